-- A part of the list: whole buckets, until there are some entries, or many were looked at.
-- KEYS: list
-- ARGV: format key from(bucket) entries(to stop after) buckets(at most)
-- Returns: ok next(bucket, 524288 at the end) entries(the hash of 10 bytes, u16 length of the value, the value) | missing | format | key
local refused = refusal(ARGV[1], ARGV[2])
if refused then return { refused } end
local from, most = tonumber(ARGV[3]), tonumber(ARGV[4])
local last = math.min(BUCKETS, from + tonumber(ARGV[5])) - 1
local found = {}
local bucket = from
while bucket <= last and #found < most do
  local fields = redis.call('HGETALL', PREFIX .. 'bucket:' .. bucket)
  local head = struct.pack('>H', math.floor(bucket / 8))
  for i = 1, #fields, 2 do
    found[#found + 1] = head .. fields[i] .. struct.pack('>H', #fields[i + 1]) .. fields[i + 1]
  end
  bucket = bucket + 1
end
return { 'ok', bucket, table.concat(found) }

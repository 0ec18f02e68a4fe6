-- What Redis lost of a ledger that it had acknowledged: where the states of chunks are gone, nobody can know who got a
-- message, so that all of them are unknown; and counters that are gone are counted anew.
-- KEYS: campaign counters
-- ARGV: format round prefix(of this staging's keys, same hash tag)
-- Returns: ok chunks(how many had lost their states) | unsized chunk | missing | format | round | phase. May be repeated.
local c, refused = campaign(KEYS[1], ARGV[1])
if not c then return { refused } end
if c.round ~= ARGV[2] then return { 'round' } end
if c.phase ~= 'sending' and c.phase ~= 'aggregating' then return { 'phase' } end

local gone = {}
for n = 0, c.chunks - 1 do
  if redis.call('EXISTS', ARGV[3] .. 'states:' .. n) == 0 then gone[#gone + 1] = n end
end
local names = 0
for _ in pairs(STATE_OF) do names = names + 1 end
if #gone == 0 and redis.call('HLEN', KEYS[2]) == names then return { 'ok', 0 } end

local sizes = {}
for i, n in ipairs(gone) do
  sizes[i] = tonumber(redis.call('HGET', ARGV[3] .. 'chunk:' .. n, 'size') or nil)
  if not sizes[i] then return { 'unsized', n } end
end
local seconds = math.floor(millis() / 1000)
for i, n in ipairs(gone) do
  local states, records = ARGV[3] .. 'states:' .. n, ARGV[3] .. 'records:' .. n
  redis.call('SET', states, string.rep('U', sizes[i]))
  for index = 0, sizes[i] - 1 do
    local r = unpackRecord(redis.call('GETRANGE', records, index * 16, index * 16 + 15))
    r.reason, r.time, r.due = REASON.data, seconds, 0
    redis.call('SETRANGE', records, index * 16, packRecord(r))
  end
  expireWith(KEYS[1], states, records)
end

local counted = {}
for byte in pairs(STATE_OF) do counted[byte] = 0 end
for n = 0, c.chunks - 1 do
  local states = redis.call('GET', ARGV[3] .. 'states:' .. n)
  for byte in pairs(STATE_OF) do
    local _, count = string.gsub(states, byte, '')
    counted[byte] = counted[byte] + count
  end
end
for byte, name in pairs(STATE_OF) do redis.call('HSET', KEYS[2], name, counted[byte]) end
expireWith(KEYS[1], KEYS[2])
return { 'ok', #gone }

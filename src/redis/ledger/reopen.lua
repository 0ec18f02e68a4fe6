-- Opens a further round of a campaign that has ended, by compare-and-set: what a retry staged takes the place of what the
-- chunks had, and the campaign is queued again. All of it, or nothing.
-- KEYS: campaign counters done late waits
-- ARGV: format round(the one that ended) retry(its nonce) prefix(of the staging's keys, same hash tag) chunks late(how many late
--   words were taken into account) counters(JSON) opening(JSON) rounds(JSON, those that ended) ttlMs scratchTtlMs
--   opensAt('' at once) closesAt('' never)
--   chunks, 5 bytes each: u32 number of a chunk that changes, u8 1 where somebody in it is open now
-- Returns: ok | late(there are others by now) | incomplete chunk(-1: all of it) | missing | format | phase | round
-- May be repeated: a retry that has opened its round gets ok again.
local PIECE = 5
local c, refused = campaign(KEYS[1], ARGV[1])
if not c then return { refused } end
if redis.call('HGET', KEYS[1], 'retry') == ARGV[3] then return { 'ok' } end
if c.round ~= ARGV[2] then return { 'round' } end
if c.phase ~= 'completed' and c.phase ~= 'cancelled' then return { 'phase' } end
if redis.call('LLEN', KEYS[4]) ~= tonumber(ARGV[6]) then return { 'late' } end

local prefix, chunks = ARGV[4], ARGV[5]
local staged = prefix .. 'retry:' .. ARGV[3] .. ':'
for at = 1, #chunks, PIECE do
  local n, open = struct.unpack('>I4B', chunks, at)
  local size = redis.call('STRLEN', prefix .. 'states:' .. n)
  local whole = size > 0 and redis.call('STRLEN', staged .. 'states:' .. n) == size
    and redis.call('STRLEN', staged .. 'records:' .. n) == size * 16
  if not whole or (open == 1 and redis.call('EXISTS', prefix .. 'rows:' .. n) == 0) then return { 'incomplete', n } end
end
local template = prefix .. 'template:' .. cjson.decode(redis.call('HGET', KEYS[1], 'totals')).templateDigest
local counters, sum = cjson.decode(ARGV[7]), 0
for _, name in pairs(STATE_OF) do sum = sum + (counters[name] or 0) end
if sum ~= tonumber(redis.call('HGET', KEYS[1], 'total')) or redis.call('EXISTS', template) == 0 then
  return { 'incomplete', -1 }
end

for at = 1, #chunks, PIECE do
  local n, open = struct.unpack('>I4B', chunks, at)
  for _, name in ipairs({ 'states:', 'records:' }) do
    redis.call('RENAME', staged .. name .. n, prefix .. name .. n)
    redis.call('PEXPIRE', prefix .. name .. n, ARGV[10])
  end
  if open == 1 then
    redis.call('HSET', prefix .. 'chunk:' .. n, 'claims', 0)
    redis.call('SETBIT', KEYS[3], n, 0)
  end
end
for _, name in pairs(STATE_OF) do redis.call('HSET', KEYS[2], name, counters[name] or 0) end
redis.call('DEL', KEYS[4], KEYS[5])
local now = millis()
redis.call('HDEL', KEYS[1], 'paused', 'cancelling', 'startedAt', 'closedAt', 'endedAt', 'aggregator', 'notice',
  'noticeToken', 'retryingAt', 'cancelled', 'opensAt', 'closesAt', 'canary', 'holdUntil')
if ARGV[12] ~= '' then redis.call('HSET', KEYS[1], 'opensAt', ARGV[12]) end
if ARGV[13] ~= '' then redis.call('HSET', KEYS[1], 'closesAt', ARGV[13]) end
local openedAt = math.max(now, tonumber(ARGV[12]) or 0)
redis.call('HSET', KEYS[1], 'phase', 'queued', 'round', tonumber(ARGV[2]) + 1, 'generation', 0, 'openedAt', openedAt,
  'giveUpAt', openedAt + tonumber(redis.call('HGET', KEYS[1], 'giveUpMs')), 'opening', ARGV[8], 'rounds', ARGV[9], 'retry', ARGV[3])
for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], ARGV[10]) end
-- The sweep renews what an open campaign needs when half of the scratch's time has gone. That is owed now, whoever is killed.
local half = math.floor(tonumber(ARGV[11]) / 2)
if redis.call('PTTL', template) > half then redis.call('PEXPIRE', template, half) end
return { 'ok' }

-- Turns `staging` into `queued` with the final totals, once every chunk of this staging is there.
-- KEYS: campaign counters
-- ARGV: format nonce prefix(of this staging's keys, same hash tag) chunks total totals(JSON) giveUpMs ttlMs
--   opensAt('' at once) closesAt('' never) holdMs('' without a canary)
-- Returns: ok | missing | format | taken | incomplete chunk. Repeated: ok.
local c, refused = campaign(KEYS[1], ARGV[1])
if not c then return { refused } end
if redis.call('HGET', KEYS[1], 'nonce') ~= ARGV[2] then return { 'taken' } end
-- Cancelled while it was staged: it must not look launched.
if c.phase == 'cancelled' and not c.sealedAt then return { 'taken' } end
if c.phase ~= 'staging' then return { 'ok' } end
-- Released while it was staged: it waits for nothing.
local released = redis.call('HGET', KEYS[1], 'released')
local opensAt, closesAt, holdMs = ARGV[9], ARGV[10], ARGV[11]
if released then opensAt, closesAt, holdMs = '', '', '' end
local count, canaryLeft = 0, 0
for n = 0, tonumber(ARGV[4]) - 1 do
  if redis.call('EXISTS', ARGV[3] .. 'rows:' .. n) == 0 then return { 'incomplete', n } end
  count = count + redis.call('STRLEN', ARGV[3] .. 'states:' .. n)
  if holdMs ~= '' and redis.call('HGET', ARGV[3] .. 'chunk:' .. n, 'part') ~= '0' then canaryLeft = canaryLeft + 1 end
end
local template = ARGV[3] .. 'template:' .. cjson.decode(ARGV[6]).templateDigest
if count ~= tonumber(ARGV[5]) or redis.call('EXISTS', template) == 0 then return { 'incomplete', -1 } end
local now = millis()
-- What is open is given up so long after it could have begun.
local openedAt = math.max(now, tonumber(opensAt) or 0)
redis.call('HSET', KEYS[1], 'phase', 'queued', 'sealedAt', now, 'openedAt', openedAt, 'giveUpAt', openedAt + tonumber(ARGV[7]),
  'chunks', ARGV[4], 'total', ARGV[5], 'totals', ARGV[6], 'renewedAt', now)
if opensAt ~= '' then redis.call('HSET', KEYS[1], 'opensAt', opensAt) end
if closesAt ~= '' then redis.call('HSET', KEYS[1], 'closesAt', closesAt) end
if canaryLeft > 0 then redis.call('HSET', KEYS[1], 'canary', 'out', 'canaryLeft', canaryLeft, 'holdMs', holdMs) end
redis.call('DEL', KEYS[2])
for _, name in pairs(STATE_OF) do redis.call('HSET', KEYS[2], name, 0) end
redis.call('HSET', KEYS[2], 'pending', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[8])
redis.call('PEXPIRE', KEYS[2], ARGV[8])
return { 'ok' }

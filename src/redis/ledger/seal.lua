-- Turns `staging` into `queued` with the final totals, once every chunk of this staging is there.
-- KEYS: campaign counters
-- ARGV: format nonce prefix(of this staging's keys, same hash tag) chunks total totals(JSON) giveUpMs ttlMs
-- Returns: ok | missing | format | taken | incomplete chunk. Repeated: ok.
local c, refused = campaign(KEYS[1], ARGV[1])
if not c then return { refused } end
if redis.call('HGET', KEYS[1], 'nonce') ~= ARGV[2] then return { 'taken' } end
-- Cancelled while it was staged: it must not look launched.
if c.phase == 'cancelled' and not c.sealedAt then return { 'taken' } end
if c.phase ~= 'staging' then return { 'ok' } end
local count = 0
for n = 0, tonumber(ARGV[4]) - 1 do
  if redis.call('EXISTS', ARGV[3] .. 'rows:' .. n) == 0 then return { 'incomplete', n } end
  count = count + redis.call('STRLEN', ARGV[3] .. 'states:' .. n)
end
if count ~= tonumber(ARGV[5]) or redis.call('EXISTS', ARGV[3] .. 'template') == 0 then return { 'incomplete', -1 } end
local now = millis()
redis.call('HSET', KEYS[1], 'phase', 'queued', 'sealedAt', now, 'giveUpAt', now + tonumber(ARGV[7]), 'chunks', ARGV[4],
  'total', ARGV[5], 'totals', ARGV[6], 'renewedAt', now)
redis.call('DEL', KEYS[2])
for _, name in pairs(STATE_OF) do redis.call('HSET', KEYS[2], name, 0) end
redis.call('HSET', KEYS[2], 'pending', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[8])
redis.call('PEXPIRE', KEYS[2], ARGV[8])
return { 'ok' }

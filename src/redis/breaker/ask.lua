-- Whether a relay may be asked now. When an open breaker's wait is over, one asker may probe (half open), and the others go
-- on waiting for what it finds; a probe of somebody who died ends by itself.
-- KEYS: breaker
-- ARGV: asker probeMs
-- Returns: closed | open waitMs | probe. Repeated by the same asker: the same.
local f = redis.call('HMGET', KEYS[1], 'until', 'probe', 'probeUntil')
if not f[1] then return { 'closed' } end
local now = millis()
if now < tonumber(f[1]) then return { 'open', tonumber(f[1]) - now } end
if f[2] and f[2] ~= ARGV[1] and now < tonumber(f[3]) then
  return { 'open', math.min(1000, tonumber(f[3]) - now) }
end
redis.call('HSET', KEYS[1], 'probe', ARGV[1], 'probeUntil', now + ARGV[2])
return { 'probe' }

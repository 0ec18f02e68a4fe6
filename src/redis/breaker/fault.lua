-- A relay could not be used: the breaker opens, or opens again for twice as long. Several connections that fail together are
-- one failure.
-- KEYS: breaker
-- ARGV: firstMs longestMs forgetMs cause why
-- Returns: ok waitMs
local f = redis.call('HMGET', KEYS[1], 'until', 'failures')
local now = millis()
if f[1] and now < tonumber(f[1]) then return { 'ok', tonumber(f[1]) - now } end
local failures = tonumber(f[2] or 0) + 1
local wait = math.min(tonumber(ARGV[2]), tonumber(ARGV[1]) * 2 ^ (failures - 1))
redis.call('HSETNX', KEYS[1], 'since', now)
redis.call('HSET', KEYS[1], 'failures', failures, 'until', now + wait, 'cause', ARGV[4], 'why', ARGV[5])
redis.call('HDEL', KEYS[1], 'probe', 'probeUntil')
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return { 'ok', wait }

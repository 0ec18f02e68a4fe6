-- A probe found out nothing: somebody else may try.
-- KEYS: breaker
-- ARGV: asker
-- Returns: ok. May be repeated.
if redis.call('HGET', KEYS[1], 'probe') == ARGV[1] then redis.call('HDEL', KEYS[1], 'probe', 'probeUntil') end
return { 'ok' }

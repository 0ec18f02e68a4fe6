-- Makes the suppression list, where there is none. It is the operator's own, so it never expires.
-- KEYS: list
-- ARGV: format secret key(a short hash of it)
-- Returns: ok secret(the one that counts) | format. May be repeated.
local f = redis.call('HMGET', KEYS[1], 'format', 'secret')
if f[1] and f[1] ~= ARGV[1] then return { 'format' } end
if f[1] then return { 'ok', f[2] } end
redis.call('HSET', KEYS[1], 'format', ARGV[1], 'secret', ARGV[2], 'key', ARGV[3], 'version', 0, 'entries', 0)
return { 'ok', ARGV[2] }

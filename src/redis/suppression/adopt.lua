-- Takes the secret of an export, whose hashes are to be added: only an empty list of which no link was made can change its secret.
-- KEYS: list
-- ARGV: format secret key(a short hash of it)
-- Returns: ok | taken(the list has addresses, or links, under another secret) | format. May be repeated.
local f = redis.call('HMGET', KEYS[1], 'format', 'key', 'entries', 'links')
if f[1] and f[1] ~= ARGV[1] then return { 'format' } end
if f[2] == ARGV[3] then return { 'ok' } end
if f[1] and (tonumber(f[3]) > 0 or f[4]) then return { 'taken' } end
redis.call('HSET', KEYS[1], 'format', ARGV[1], 'secret', ARGV[2], 'key', ARGV[3], 'entries', 0)
redis.call('HINCRBY', KEYS[1], 'version', 1)
return { 'ok' }

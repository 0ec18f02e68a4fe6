-- A staging says that it is alive.
-- KEYS: campaign
-- ARGV: format nonce ttlMs
-- Returns: ok | missing | format | taken
local c, refused = campaign(KEYS[1], ARGV[1])
if not c then return { refused } end
if c.phase ~= 'staging' or redis.call('HGET', KEYS[1], 'nonce') ~= ARGV[2] then return { 'taken' } end
redis.call('HSET', KEYS[1], 'heardAt', millis())
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return { 'ok' }

-- Writes a chunk of a staging: its rows, all of its recipients pending, and nobody's yet.
-- KEYS: campaign chunk states rows
-- ARGV: format nonce rows size pending(the state's byte) scratchTtlMs ttlMs part(of the canary)
-- Returns: ok | missing | format | taken. Repeated: ok.
local c, refused = campaign(KEYS[1], ARGV[1])
if not c then return { refused } end
if c.phase ~= 'staging' or redis.call('HGET', KEYS[1], 'nonce') ~= ARGV[2] then return { 'taken' } end
redis.call('SET', KEYS[4], ARGV[3], 'PX', ARGV[6])
redis.call('SET', KEYS[3], string.rep(ARGV[5], tonumber(ARGV[4])), 'PX', ARGV[7])
redis.call('HSET', KEYS[2], 'fence', 0, 'claims', 0, 'size', ARGV[4], 'part', ARGV[8])
redis.call('PEXPIRE', KEYS[2], ARGV[7])
return { 'ok' }

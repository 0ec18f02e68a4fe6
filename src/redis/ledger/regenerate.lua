-- A new generation of this round's flow, by compare-and-set: of several that notice the need, one makes it.
-- KEYS: campaign
-- ARGV: format round generation(the one seen)
-- Returns: ok generation(the one now) | missing | format | round
local c, refused = campaign(KEYS[1], ARGV[1])
if not c then return { refused } end
if c.round ~= ARGV[2] then return { 'round' } end
if redis.call('HGET', KEYS[1], 'generation') == ARGV[3] then redis.call('HINCRBY', KEYS[1], 'generation', 1) end
return { 'ok', tonumber(redis.call('HGET', KEYS[1], 'generation')) }

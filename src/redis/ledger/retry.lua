-- Says that a retry of an ended campaign is being staged: for a while it stays among the open ones, so that nobody takes
-- out of them what is about to be open.
-- KEYS: campaign
-- ARGV: format round
-- Returns: ok | missing | format | phase | round. May be repeated.
local c, refused = campaign(KEYS[1], ARGV[1])
if not c then return { refused } end
if c.round ~= ARGV[2] then return { 'round' } end
if c.phase ~= 'completed' and c.phase ~= 'cancelled' then return { 'phase' } end
if not c.sealedAt then return { 'phase' } end
redis.call('HSET', KEYS[1], 'retryingAt', millis())
return { 'ok' }

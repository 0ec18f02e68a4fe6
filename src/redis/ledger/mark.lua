-- The campaign has ended: its summary is kept, the ledger expires after a while.
-- KEYS: campaign summary, then all other keys of the campaign that are kept
-- ARGV: format round token summary(JSON) keepMs
-- Returns: ok phase | ended phase | missing | format | round | phase | fenced. May be repeated.
local c, refused = campaign(KEYS[1], ARGV[1])
if not c then return { refused } end
if c.round ~= ARGV[2] then return { 'round' } end
if c.phase == 'completed' or c.phase == 'cancelled' then return { 'ended', c.phase } end
if c.phase ~= 'aggregating' then return { 'phase' } end
if redis.call('HGET', KEYS[1], 'aggregator') ~= ARGV[3] then return { 'fenced' } end
local phase = c.cancelling and 'cancelled' or 'completed'
redis.call('SET', KEYS[2], ARGV[4])
redis.call('HSET', KEYS[1], 'phase', phase, 'endedAt', millis())
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[5]) end
return { 'ok', phase }

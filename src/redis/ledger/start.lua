-- The coordinator begins to fan out: `queued` becomes `sending`.
-- KEYS: campaign
-- ARGV: format round
-- Returns: ok | missing | format | phase | round. May be repeated.
local c, refused = campaign(KEYS[1], ARGV[1])
if not c then return { refused } end
if c.round ~= ARGV[2] then return { 'round' } end
if c.phase == 'queued' then
  redis.call('HSET', KEYS[1], 'phase', 'sending', 'startedAt', millis())
elseif c.phase ~= 'sending' then
  return { 'phase' }
end
return { 'ok' }

-- The coordinator begins to fan out: `queued` becomes `sending`.
-- KEYS: campaign
-- ARGV: format round
-- Returns: ok | missing | format | phase | round | closed ms now (as in claim.lua). May be repeated.
local c, refused = campaign(KEYS[1], ARGV[1])
if not c then return { refused } end
if c.round ~= ARGV[2] then return { 'round' } end
if c.phase == 'queued' then
  local now = millis()
  if not c.cancelling and now < c.giveUpAt and not maySend(c, now) then return { 'closed', closedFor(c, now), now } end
  redis.call('HSET', KEYS[1], 'phase', 'sending', 'startedAt', now)
elseif c.phase ~= 'sending' then
  return { 'phase' }
end
return { 'ok' }

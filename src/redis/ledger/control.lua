-- Pause, resume and cancel. Flags beside the phase; a campaign that is still staging is cancelled at once.
-- KEYS: campaign
-- ARGV: format action by reason
-- Returns: ok phase | missing | format | ended phase. May be repeated.
local c, refused = campaign(KEYS[1], ARGV[1])
if not c then return { refused } end
if c.phase == 'completed' or c.phase == 'cancelled' or c.phase == 'aggregating' then return { 'ended', c.phase } end
if ARGV[2] == 'pause' then
  pause(KEYS[1], c, ARGV[3], ARGV[4])
elseif ARGV[2] == 'resume' then
  redis.call('HDEL', KEYS[1], 'paused')
elseif ARGV[2] == 'cancel' then
  redis.call('HSET', KEYS[1], 'cancelling', 1)
  if c.phase == 'staging' then
    redis.call('HSET', KEYS[1], 'phase', 'cancelled', 'endedAt', millis())
    return { 'ok', 'cancelled' }
  end
end
return { 'ok', c.phase }

-- Pause, resume and cancel. Flags beside the phase; a campaign that is still staging is cancelled at once. `release` resumes, and
-- waits for neither time nor hours nor canary any more; the seal of one that is still staging gives it none.
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
elseif ARGV[2] == 'release' then
  redis.call('HDEL', KEYS[1], 'paused', 'opensAt', 'closesAt', 'canary', 'holdUntil')
  if c.phase == 'staging' then redis.call('HSET', KEYS[1], 'released', 1) end
  local now = millis()
  if c.phase == 'queued' and c.openedAt > now then
    redis.call('HSET', KEYS[1], 'openedAt', now, 'giveUpAt', now + tonumber(redis.call('HGET', KEYS[1], 'giveUpMs')))
  end
elseif ARGV[2] == 'cancel' then
  cancel(KEYS[1], c, ARGV[3], ARGV[4])
  if c.phase == 'staging' then
    redis.call('HSET', KEYS[1], 'phase', 'cancelled', 'endedAt', millis())
    return { 'ok', 'cancelled' }
  end
end
return { 'ok', c.phase }

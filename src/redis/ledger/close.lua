-- The aggregator shuts the ledger before it reads it: later words go to the late list. A newer aggregator takes over.
-- KEYS: campaign done
-- ARGV: format round token
-- Returns: ok | open chunksDone | ended phase | missing | format | round | phase. May be repeated.
local c, refused = campaign(KEYS[1], ARGV[1])
if not c then return { refused } end
if c.round ~= ARGV[2] then return { 'round' } end
if c.phase == 'completed' or c.phase == 'cancelled' then return { 'ended', c.phase } end
if c.phase == 'sending' then
  local done = redis.call('BITCOUNT', KEYS[2])
  if done < c.chunks then return { 'open', done } end
  redis.call('HSET', KEYS[1], 'phase', 'aggregating', 'closedAt', millis())
elseif c.phase ~= 'aggregating' then
  return { 'phase' }
end
redis.call('HSET', KEYS[1], 'aggregator', ARGV[3])
return { 'ok' }

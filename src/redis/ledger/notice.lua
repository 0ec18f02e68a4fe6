-- The notice has an intent and an outcome of its own, and isn't sent twice on doubt.
-- KEYS: campaign
-- ARGV: format round token outcome('' for the intent, 'again' to take it back: surely not sent)
-- Returns: send | doubt | done outcome | missing | format | round | phase
local c, refused = campaign(KEYS[1], ARGV[1])
if not c then return { refused } end
if c.round ~= ARGV[2] then return { 'round' } end
if c.phase ~= 'completed' and c.phase ~= 'cancelled' then return { 'phase' } end
local f = redis.call('HMGET', KEYS[1], 'noticeToken', 'notice')
if f[2] then return { 'done', f[2] } end
if ARGV[4] == 'again' then
  if f[1] == ARGV[3] then redis.call('HDEL', KEYS[1], 'noticeToken') end
  return { 'send' }
end
if ARGV[4] ~= '' and (f[1] == ARGV[3] or ARGV[4] == 'unknown') then
  redis.call('HSET', KEYS[1], 'notice', ARGV[4])
  return { 'done', ARGV[4] }
end
if f[1] and f[1] ~= ARGV[3] then return { 'doubt' } end
redis.call('HSET', KEYS[1], 'noticeToken', ARGV[3])
return { 'send' }

-- When a campaign may send next, once its span has passed: of several that find it out, the first one says so.
-- KEYS: campaign
-- ARGV: format round closesAt(the one that passed) opensAt closesAt
-- Returns: ok | missing | format | round. May be repeated.
local c, refused = campaign(KEYS[1], ARGV[1])
if not c then return { refused } end
if c.round ~= ARGV[2] then return { 'round' } end
if redis.call('HGET', KEYS[1], 'closesAt') == ARGV[3] and millis() >= c.closesAt then
  redis.call('HSET', KEYS[1], 'opensAt', ARGV[4], 'closesAt', ARGV[5])
end
return { 'ok' }

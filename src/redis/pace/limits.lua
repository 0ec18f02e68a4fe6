-- What limits a relay now: the operator's rate, and the groups that were throttled lately. One whose rate has expired is
-- taken off.
-- KEYS: relay limit slow; the groups' have the same hash tag and are named by the first
-- ARGV: -
-- Returns: ok limit('' without one), then group rate cutAt(us) for each
local prefix, relayId = string.match(KEYS[1], '^(.-:)relay:(.*)$')
local now = micros()
local reply = { 'ok', redis.call('GET', KEYS[2]) or '' }
for _, group in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
  local f = redis.call('HMGET', prefix .. 'domain:' .. relayId .. ':' .. group, 'rate', 'step', 'at', 'cutAt')
  if f[1] then
    reply[#reply + 1] = group
    reply[#reply + 1] = string.format('%.3f', grown(tonumber(f[1]), tonumber(f[2]), tonumber(f[3]), now))
    reply[#reply + 1] = f[4]
  else
    redis.call('ZREM', KEYS[3], group)
  end
end
return reply

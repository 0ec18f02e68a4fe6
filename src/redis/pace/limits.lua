-- What limits a relay now: the operator's rate, and the groups that were throttled lately. One whose rate has expired is
-- taken off.
-- KEYS: relay limit slow; the groups' have the same hash tag and are named by the first
-- ARGV: -
-- Returns: ok limit('' without one), then for each group its name, rate, when it was cut (us), when its next slot is at the
--   earliest (us), and the ms until it is as any other if it is not throttled again
local prefix, relayId = string.match(KEYS[1], '^(.-:)relay:(.*)$')
local now = micros()
local reply = { 'ok', redis.call('GET', KEYS[2]) or '' }
for _, group in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
  local key = prefix .. 'rate:' .. relayId .. ':' .. group
  local f = redis.call('HMGET', key, 'rate', 'step', 'at', 'cutAt')
  if f[1] then
    local last = tonumber(redis.call('HGET', prefix .. 'domain:' .. relayId .. ':' .. group, 'last') or 0)
    local rate = grown(tonumber(f[1]), tonumber(f[2]), tonumber(f[3]), now)
    reply[#reply + 1] = group
    reply[#reply + 1] = string.format('%.3f', rate)
    reply[#reply + 1] = f[4]
    reply[#reply + 1] = string.format('%.0f', math.max(now, last + 1000000 / rate))
    reply[#reply + 1] = redis.call('PTTL', key)
  else
    redis.call('ZREM', KEYS[3], group)
  end
end
return reply

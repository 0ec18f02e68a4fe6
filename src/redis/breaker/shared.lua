-- In front of every script of the breaker. The Redis clock in milliseconds.
local function millis()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

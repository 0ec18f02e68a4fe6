-- In front of every script of the pace. Rates are messages a second, times microseconds of the Redis clock.

-- The rate of a group that was throttled grows back by a step a second; see throttled.lua.
local function grown(rate, step, at, now) return rate + step * math.max(0, now - at) / 1000000 end

local function micros()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- A key lives at least that long; longer where somebody else needs it.
local function keepFor(key, ms)
  if redis.call('PTTL', key) < ms then redis.call('PEXPIRE', key, math.ceil(ms)) end
end

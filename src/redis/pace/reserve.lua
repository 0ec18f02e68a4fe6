-- Reserves slots to send in. A limit is a bucket that remembers its last slot (GCRA with a burst of one): the next one comes an
-- interval later or now. A slot is one in all buckets of its ask at once, so it comes when the last of them has one. Where a
-- slow bucket would leave a hole of more than half an interval in a faster one, it is not given yet, for others may use that one
-- meanwhile. None lies further ahead than the horizon, so that a worker that dies takes few with it.
-- KEYS: relay campaign limit; the groups' have the same hash tag and are named by the first
-- ARGV: horizon(us) campaignRate(0 none), then group('' for what has no limit of its own) wanted rate(0 none) for each ask
-- Returns: ok, then for each ask u32 wait in us (0 where all were given), u32 interval in us of its narrowest limit (0 none),
-- u32 us from now for each slot
local prefix, relayId = string.match(KEYS[1], '^(.-:)relay:(.*)$')
local now = micros()
local horizon = now + tonumber(ARGV[1])

local function bucket(key, rate)
  if rate <= 0 then return nil end
  local interval = 1000000 / rate
  local last = tonumber(redis.call('HGET', key, 'last') or nil)
  return { key = key, interval = interval, next = last and math.max(now, last + interval) or now }
end

-- The narrower of what the operator and the relay allow; 0 where neither limits.
local function groupRate(group, own)
  local f = redis.call('HMGET', prefix .. 'rate:' .. relayId .. ':' .. group, 'rate', 'step', 'at')
  if not f[1] then return own end
  local learnt = grown(tonumber(f[1]), tonumber(f[2]), tonumber(f[3]), now)
  return own > 0 and math.min(own, learnt) or learnt
end

local relay = bucket(KEYS[1], tonumber(redis.call('GET', KEYS[3]) or 0))
local campaign = bucket(KEYS[2], tonumber(ARGV[2]))
local asks = {}
for at = 3, #ARGV, 3 do
  local key = prefix .. 'domain:' .. relayId .. ':' .. ARGV[at]
  local group = ARGV[at] ~= '' and bucket(key, groupRate(ARGV[at], tonumber(ARGV[at + 2]))) or nil
  local buckets = {}
  for _, one in pairs({ relay or false, campaign or false, group or false }) do
    if one then buckets[#buckets + 1] = one end
  end
  asks[#asks + 1] = { buckets = buckets, left = tonumber(ARGV[at + 1]), slots = {}, wait = 0 }
end

-- When an ask could have its next slot, and when to ask again where it is not given yet: others may fill a hole meanwhile.
local function nextOf(ask)
  local slot, late = now, nil
  for _, b in ipairs(ask.buckets) do
    if b.next > slot then slot, late = b.next, b end
  end
  local from = slot - (horizon - now)
  for _, b in ipairs(ask.buckets) do
    if late and b.interval < late.interval and slot - b.next > b.interval / 2 then
      from = math.max(from, math.min(slot - b.interval / 2, now + late.interval))
    end
  end
  return slot, from
end

repeat
  local best, at
  for _, ask in ipairs(asks) do
    if ask.left > 0 and ask.wait == 0 then
      local slot, from = nextOf(ask)
      if from > now then ask.wait = from - now
      elseif not best or slot < at or (slot == at and #ask.slots < #best.slots) then best, at = ask, slot end
    end
  end
  if best then
    for _, b in ipairs(best.buckets) do b.next, b.last = at + b.interval, at end
    best.slots[#best.slots + 1] = at - now
    best.left = best.left - 1
  end
until not best

local function keep(b)
  if not b or not b.last then return end
  redis.call('HSET', b.key, 'last', string.format('%.0f', b.last))
  keepFor(b.key, b.interval / 500 + 10000)
end
local reply = { 'ok' }
for _, ask in ipairs(asks) do
  for _, b in ipairs(ask.buckets) do keep(b) end
  local interval = 0
  for _, b in ipairs(ask.buckets) do interval = math.max(interval, b.interval) end
  local packed = { struct.pack('>I4I4', math.min(math.ceil(ask.wait), 4294967295), math.min(interval, 4294967295)) }
  for _, slot in ipairs(ask.slots) do packed[#packed + 1] = struct.pack('>I4', math.floor(slot)) end
  reply[#reply + 1] = table.concat(packed)
end
return reply

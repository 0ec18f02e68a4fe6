-- The relay said that a group of domains comes too fast: its rate is cut, for all workers. Additive increase, multiplicative
-- decrease: what is known of the share that was throttled says by how much, and it grows back by a step a second.
-- The first to be throttled says how much the relay took of it, and others that did not know yet add theirs. What was seen by then
-- is little, so that it grows fast until it is throttled again.
-- A relay that throttles by anything but the pace does so at any rate, and would be slowed down to nothing: where what was throttled
-- since a cut shows twice that it did not help, all since then are taken back, and none is made for twenty seconds, unless more is
-- throttled than was. Chance makes cuts look helpful, too, and there are enough words for that to happen again and again: so what
-- was found not to be the pace grows faster, to where a few cuts don't slow anybody down.
-- KEYS: rate slow
-- ARGV: group accepted(a second) share answers(that the share is of) known(0 or 1) leastRate keepMs most(groups that are
--   remembered)
-- Returns: ok. Repeated: cut once more at most.
local BETWEEN_CUTS, FIRST_WORDS, COMPARED, CALM = 1000000, 2000000, 15000000, 20000000
-- In a second, of the rate; after cuts in vain, up to so many times what was sent when it was first throttled.
local STEP, FAST_STEP, ROOM = 1 / 100, 1 / 20, 3
-- Where less is throttled it stays: a relay that ends a session now and then is no slower for it.
local TOLERATED = 0.05
local now = micros()
local accepted, share, least = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[6])
local f = redis.call('HMGET', KEYS[1], 'rate', 'step', 'at', 'cutAt', 'firstAt', 'calmUntil', 'triedRate', 'triedShare',
  'triedOf', 'vain', 'answers', 'throttled', 'expected', 'sent')
local rate, step, cutAt = tonumber(f[1] or nil), tonumber(f[2] or nil), tonumber(f[4] or nil)
local triedRate, triedShare = tonumber(f[7] or nil), tonumber(f[8] or nil)
local triedOf, told = tonumber(f[9] or nil), tonumber(ARGV[4])
-- Messages a second when it was first throttled, by all who said a first word, and by this one now.
local sent, sending = tonumber(f[14] or 0), accepted / math.max(0.01, 1 - share)
local changed = {}

-- By how many of its standard deviations a share of so many answers is above that of the rate that was tried: both may be chance.
local function above(found, of)
  local both = (found * of + triedShare * triedOf) / (of + triedOf)
  return (found - triedShare) / math.sqrt(math.max(1e-9, both * (1 - both) * (1 / of + 1 / triedOf)))
end

-- More is throttled than at the rate that was tried, and not by chance: the relay takes less by now. While it is calm, that is asked
-- of every word, so that chance has more tries.
local risen = triedShare and above(share, told) or 0
local isCalm = now < tonumber(f[6] or 0) and risen <= 3

-- What was answered since a rate was tried: of so many, so many were throttled, and would have been, were it the pace.
local answers, throttled, expected = tonumber(f[11] or 0), tonumber(f[12] or 0), tonumber(f[13] or 0)

-- Whether the cuts since a rate was tried lowered the share by less than half of what they would have, were it the pace: then the
-- relay takes as much as it did, and at the rate of now that is another share. Nil where the answers since then are too few to tell
-- the one from the other.
local function wasInVain()
  if not triedRate or risen > 2 or now - cutAt > COMPARED then return false end
  answers, throttled = answers + told, throttled + told * share
  expected = expected + told * math.max(0, 1 - triedRate * (1 - triedShare) / rate)
  if above(expected / answers, answers) > -2 then return nil end
  return throttled > (expected + triedShare * answers) / 2
end

if not rate then
  rate = math.max(1, accepted)
  step, cutAt, changed.firstAt = rate / 4, now, now
  changed.sent = sending
else
  rate = grown(rate, step, tonumber(f[3]), now)
  if ARGV[5] == '0' and now - tonumber(f[5]) < FIRST_WORDS then
    rate = rate + accepted
    step = rate / 4
    changed.sent = sent + sending
  elseif now - cutAt >= BETWEEN_CUTS and share > TOLERATED and not isCalm then
    local vain = wasInVain()
    if vain and f[10] then
      rate, changed.calmUntil, changed.triedRate, changed.vain = triedRate, now + CALM, false, false
      step = math.min(rate * FAST_STEP, (ROOM * sent - rate) * 1000000 / CALM)
    else
      -- Once may be chance, or answers that belong to the rate before.
      if vain then changed.vain = true elseif vain == false then
        changed.calmUntil, changed.triedRate, changed.triedShare, changed.triedOf, changed.vain = false, rate, share, told, false
      end
      if vain ~= nil then answers, throttled, expected = 0, 0, 0 end
      changed.answers, changed.throttled, changed.expected = answers, throttled, expected
      rate = math.max(least, rate * math.max(0.5, 1 - share))
      step = 0
    end
    step, cutAt = math.max(step, rate * STEP, 0.05), now
  end
end
changed.rate, changed.step, changed.at, changed.cutAt = rate, step, now, cutAt
for field, value in pairs(changed) do
  if value == true then redis.call('HSET', KEYS[1], field, 1)
  elseif value then redis.call('HSET', KEYS[1], field, string.format('%.6f', value)) else redis.call('HDEL', KEYS[1], field) end
end
keepFor(KEYS[1], tonumber(ARGV[7]))
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - tonumber(ARGV[8]))
keepFor(KEYS[2], tonumber(ARGV[7]))
return { 'ok' }

-- The relay said that a group of domains comes too fast: its rate is cut, for all workers. Additive increase, multiplicative
-- decrease: what is known of the share that was throttled says by how much, and it grows back by a step a second.
-- The first to be throttled says how much the relay took of it, and others that did not know yet add theirs. What was seen by then
-- is little, so that it grows fast until it is throttled again.
-- A relay that throttles by anything but the pace does so at any rate, and would be slowed down to nothing: two cuts in a row that
-- did not lower the share as they should have are taken back, and none is made for twenty seconds.
-- KEYS: rate slow
-- ARGV: group accepted(a second) share answers(that the share is of) known(0 or 1) leastRate keepMs most(groups that are
--   remembered)
-- Returns: ok. Repeated: cut once more at most.
local BETWEEN_CUTS, FIRST_WORDS, COMPARED, CALM = 1000000, 2000000, 15000000, 20000000
-- Where less is throttled it stays: a relay that ends a session now and then is no slower for it. Of few answers a share says
-- little.
local TOLERATED, ENOUGH = 0.05, 10
local now = micros()
local accepted, share, least = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[6])
local f = redis.call('HMGET', KEYS[1], 'rate', 'step', 'at', 'cutAt', 'firstAt', 'calmUntil', 'cutShare', 'cutFactor',
  'cutRate', 'vain', 'rateBefore')
local rate, step, cutAt = tonumber(f[1] or nil), tonumber(f[2] or nil), tonumber(f[4] or nil)
local changed = {}

-- Whether the last cut lowered the share by less than a quarter of what it would have, were it the pace: then the relay takes as
-- much as before, and at the rate of now that is another share.
local function wasInVain()
  local before, factor = tonumber(f[7] or nil), tonumber(f[8] or nil)
  if not before or now - cutAt > COMPARED or tonumber(ARGV[4]) < ENOUGH then return false end
  local takes = tonumber(f[9]) / factor * (1 - before)
  local expected = math.max(0, 1 - takes / rate)
  return expected <= before / 2 and share > expected + 0.75 * (before - expected)
end

if not rate then
  rate = math.max(1, accepted)
  step, cutAt, changed.firstAt = rate / 4, now, now
else
  rate = grown(rate, step, tonumber(f[3]), now)
  if ARGV[5] == '0' and now - tonumber(f[5]) < FIRST_WORDS then
    rate = rate + accepted
    step = rate / 4
  elseif now - cutAt >= BETWEEN_CUTS and share > TOLERATED and now >= tonumber(f[6] or 0) then
    local vain = wasInVain()
    if vain and f[10] == '1' then
      rate, changed.calmUntil, changed.cutShare, changed.vain = tonumber(f[11]), now + CALM, false, false
    else
      -- Once may be chance, or answers that belong to the rate before.
      changed.vain, changed.rateBefore = vain, vain and tonumber(f[11]) or rate
      changed.cutShare, changed.cutFactor = share, math.max(0.5, 1 - share)
      rate = math.max(least, rate * changed.cutFactor)
      changed.cutRate = rate
    end
    step, cutAt = math.max(rate / 100, 0.05), now
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

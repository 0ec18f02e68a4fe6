-- What a turn of a worker's event loop brings for a chunk, in one step: outcomes of what is in flight under this fence, and
-- then intents: who is to be handed to the relay now. Either may be none.
-- A recipient that waits may be told to be suppressed, by the owner alone; one that is in flight may not.
-- A late word of a former owner makes only final states: sent always counts; failed only from the fence that left that
-- unknown, in the same round; anything else changes nothing. After the close, words go to the late list.
-- KEYS: campaign chunk; the others have the same hash tag and are named by these, since each one that is said costs a call
-- ARGV: head outcomes intents text...
--   head: format round token chunk seen(the highest count of settled outcomes that this process knows), parted by spaces:
--   each argument more costs the client more than they all cost here
--   outcomes, 18 bytes each: u16 index, char verb, u8 reason, u16 code, u8 subject, u8 detail, u8 text (number of the
--   relay's words in ARGV after this one, 0 none), u8 latency bucket (255 none), u32 delay in ms, u8 class of a
--   refusal (its place in src/domain/reply-class.ts from 1, 0 none), u8 relay (of several, from 1, else 0),
--   2 reserved
--   intents: u16 index each
-- Returns a text, for the same reason: settled begun settledCount, each with a space behind it, granted(u16 each)
--   settled: ok | fenced | closed | missing | format
--   begun: all (as asked, and not repeated) | ok | missing | format | phase | round | fenced | paused | cancelling | expired
--   | waits (not its time)
-- May be repeated: the outcomes change nothing, and under the same fence the grant is the same.
local OUTCOME, INTENT = 18, 2
local FORMAT, ROUND, TOKEN, CHUNK, SEEN = string.match(ARGV[1], '^(%S+) (%S+) (%S+) (%S+) (%S+)$')
local outcomes, intents, TEXTS = ARGV[2], ARGV[3], 3
local ofCampaign, ofStaging = string.match(KEYS[1], '^(.*)campaign$'), string.match(KEYS[2], '^(.*)chunk:')
local COUNTERS, STATES, RECORDS =
  ofCampaign .. 'counters', ofStaging .. 'states:' .. CHUNK, ofStaging .. 'records:' .. CHUNK

local function answer(settled, begun, count, granted)
  return string.format('%s %s %d ', settled, begun, count) .. granted
end

local c, refused = campaign(KEYS[1], FORMAT)
if not c then return answer(refused, refused, 0, '') end
local now = millis()
local seconds = math.floor(now / 1000)

-- Queued again by a retry, the ledger is open to late words, and nobody can have begun.
if c.phase ~= 'sending' and c.phase ~= 'queued' then
  local closed = c.phase == 'aggregating' or c.phase == 'completed' or c.phase == 'cancelled'
  if closed and #outcomes > 0 and redis.call('LLEN', ofCampaign .. 'late') < 10000 then
    for at = 1, #outcomes, OUTCOME do
      redis.call('RPUSH', ofCampaign .. 'late', struct.pack('>I4I4I4', tonumber(CHUNK), seconds, tonumber(TOKEN))
        .. string.sub(outcomes, at, at + OUTCOME - 1))
    end
    expireWith(KEYS[1], ofCampaign .. 'late')
  end
  return answer('closed', 'phase', 0, '')
end

local held = redis.call('HMGET', KEYS[2], 'token', 'claims')
local sameRound = c.round == ROUND
local mine = sameRound and held[1] == TOKEN
if sameRound then remember(KEYS[1], c, tonumber(SEEN)) end
local first, last = bounds(intents, INTENT, bounds(outcomes, OUTCOME))
local m = mover(STATES, RECORDS, COUNTERS, first, last, #outcomes > 0)

-- Counts in a hash that expires with the campaign.
local function tally(key, field, by)
  local count = redis.call('HINCRBY', key, field, by)
  if count == by then expireWith(KEYS[1], key) end
  return count
end

local function wordsNumber(ref)
  local words, text = ofCampaign .. 'words', ref > 0 and ARGV[TEXTS + ref]
  if not text then return 0 end
  local known = redis.call('HGET', words, text)
  if known then return tonumber(known) end
  local number = redis.call('HLEN', words) + 1
  if number > 1000 then return 0 end
  redis.call('HSET', words, text, number)
  expireWith(KEYS[1], words)
  return number
end

local CLASSES = { 'throttle', 'transient', 'misconfigured', 'dead', 'permanent', 'unavailable' }
-- Counts it under `550 5.1.1 dead`, and keeps the words of the first such one.
local function countRefusal(code, subject, detail, class, text)
  local codes, name = ofCampaign .. 'codes', tostring(code)
  if subject ~= 255 then
    local whole = string.format('%d %d.%d.%d', code, math.floor(code / 100), subject, detail)
    if redis.call('HLEN', codes) < 500 or redis.call('HEXISTS', codes, whole .. class) == 1 then name = whole end
  end
  if tally(codes, name .. class, 1) == 1 and text then
    redis.call('HSET', ofCampaign .. 'said', name .. class, text)
    expireWith(KEYS[1], ofCampaign .. 'said')
  end
end

-- The state after an outcome, the reason, and the attempts that it used; nil where it changes nothing.
local function after(from, verb, reason, r)
  if verb == 'x' then
    if not mine or (from ~= 'P' and from ~= 'D') then return nil end
    local to, why = ending(r, 'X', reason)
    return to, why, 0
  end
  if mine and from == 'I' then
    local to
    if verb == 's' then to = 'S'
    elseif verb == 'f' then to = 'F'
    elseif verb == 'w' then to = 'D'
    elseif verb == 'n' then to = 'P'
    elseif verb == 'd' then
      to = 'D'
      if r.attempts + 1 >= c.attempts then
        to = 'F'
        if reason == 1 then reason = REASON.attempts end
      end
    elseif verb == 'u' then
      to = 'U'
      if c.resend and not c.cancelling and r.attempts + 1 < c.attempts then to, r.doubt = 'D', true end
    end
    if c.cancelling and (to == 'P' or to == 'D') then to, reason = 'K', REASON.cancelled end
    to, reason = ending(r, to, reason)
    return to, reason, (verb == 'n' or verb == 'w') and 0 or 1
  elseif verb == 's' and STATE_OF[from] and from ~= 'S' then
    return 'S', reason, 0
  elseif verb == 'f' and from == 'U' and sameRound and r.due == tonumber(TOKEN) and not r.doubt then
    return 'F', reason, 0
  end
end

-- When what became final did so: by the second for the rate, a ring; and coarser, more so as the campaign grows older, so
-- that the timeline stays at some thousand fields.
local function countFinals(finals)
  c.settled = redis.call('HINCRBY', KEYS[1], 'settled', finals)
  local ticks = ofCampaign .. 'ticks'
  if tally(ticks, seconds, finals) == finals then
    for _, second in ipairs(redis.call('HKEYS', ticks)) do
      if tonumber(second) <= seconds - 32 then redis.call('HDEL', ticks, second) end
    end
  end
  local age = now - c.sealedAt
  local step = age < 3600000 and 10 or age < 86400000 and 60 or 600
  tally(ofCampaign .. 'timeline', seconds - seconds % step, finals)
end

-- Answers whether the records of this chunk may be new.
local function settle()
  local finals, retries, applied = 0, 0, 0
  local latencies, byRelay = {}, {}
  for at = 1, #outcomes, OUTCOME do
    local index, verb, reason, code, subject, detail, ref, bucket, delay, class, route =
      struct.unpack('>Hc1BHBBBBI4BB', outcomes, at)
    local from, r = m.byte(index), m.record(index)
    local to, why, used = after(from, verb, reason, r)
    if to then
      applied = applied + 1
      r.attempts, r.reason, r.time, r.due = r.attempts + used, why, seconds, 0
      if to == 'D' then
        r.due = math.max(1, math.min(now + delay, c.giveUpAt) - c.openedAt)
        retries = retries + 1
      elseif to ~= 'P' then
        finals = finals + 1
      end
      if code > 0 then
        r.code, r.subject, r.detail, r.words = code, subject, detail, wordsNumber(ref)
        if code >= 400 then
          local named = CLASSES[class]
          countRefusal(code, subject, detail, named and ' ' .. named or '', ref > 0 and ARGV[TEXTS + ref])
        end
      end
      if route > 0 then
        local field = route .. ' ' .. verb
        byRelay[field] = (byRelay[field] or 0) + 1
      end
      if bucket < 255 then latencies[bucket] = (latencies[bucket] or 0) + 1 end
      m.move(index, from, to, r)
    end
  end
  if applied == 0 then return false end
  for field, count in pairs(byRelay) do tally(ofCampaign .. 'relays', field, count) end
  for bucket, count in pairs(latencies) do tally(ofCampaign .. 'latency', bucket, count) end
  local firstOfClaim = held[2] ~= '0'
  if mine and firstOfClaim then redis.call('HSET', KEYS[2], 'claims', 0) end
  if retries > 0 then redis.call('HINCRBY', KEYS[1], 'retries', retries) end
  if finals > 0 then countFinals(finals) end
  return firstOfClaim or not mine
end

local function begin()
  if not sameRound then return 'round', '' end
  if c.phase ~= 'sending' then return 'phase', '' end
  if not mine then return 'fenced', '' end
  if c.cancelling then return 'cancelling', '' end
  if c.paused then return 'paused', '' end
  if now >= c.giveUpAt then return 'expired', '' end
  if not maySend(c, now) then return 'waits', '' end
  local part = partOf(c, KEYS[2]) or 65536
  local granted = {}
  for at = 1, #intents, INTENT do
    local high, low = string.byte(intents, at, at + 1)
    local index = high * 256 + low
    local from = m.byte(index)
    local open = index < part and (from == 'P' or from == 'D')
    if open then m.move(index, from, 'I') end
    if open or from == 'I' then granted[#granted + 1] = string.sub(intents, at, at + 1) end
  end
  if #granted * INTENT == #intents then return 'all', '' end
  return 'ok', table.concat(granted)
end

local mayBeNew = settle()
local begun, granted = begin()
m.count()
if mayBeNew then expireWith(KEYS[1], RECORDS) end
return answer(mine and 'ok' or 'fenced', begun, c.settled, granted)

-- Records a batch of outcomes on what is in flight under this fence.
-- A late word of a former owner makes only final states: sent always counts; failed only from the fence that left that
-- unknown, in the same round; anything else changes nothing. After the close, words go to the late list.
-- KEYS: campaign counters chunk states records words codes ticks latency late timeline
-- ARGV: format round token chunk outcomes text...
--   outcomes, 18 bytes each: u16 index, char verb, u8 reason, u16 code, u8 subject, u8 detail, u8 text (number of the
--   relay's words in ARGV after this one, 0 none), u8 latency bucket (255 none), u32 delay in ms, u32 reserved
-- Returns: ok settled | fenced settled | closed | missing | format. May be repeated.
local c, refused = campaign(KEYS[1], ARGV[1])
if not c then return { refused } end
local now = millis()
local seconds = math.floor(now / 1000)
local held = redis.call('HMGET', KEYS[3], 'token', 'claims')
local sameRound = c.round == ARGV[2]
local mine = sameRound and held[1] == ARGV[3]

if c.phase ~= 'sending' then
  local closed = c.phase == 'aggregating' or c.phase == 'completed' or c.phase == 'cancelled'
  if closed and redis.call('LLEN', KEYS[10]) < 10000 then
    for at = 1, #ARGV[5], 18 do
      redis.call('RPUSH', KEYS[10], struct.pack('>I4I4I4', tonumber(ARGV[4]), seconds, tonumber(ARGV[3]))
        .. string.sub(ARGV[5], at, at + 17))
    end
    expireWith(KEYS[1], KEYS[10])
  end
  return { 'closed' }
end

local function wordsNumber(ref)
  local text = ref > 0 and ARGV[5 + ref]
  if not text then return 0 end
  local known = redis.call('HGET', KEYS[6], text)
  if known then return tonumber(known) end
  local number = redis.call('HLEN', KEYS[6]) + 1
  if number > 1000 then return 0 end
  redis.call('HSET', KEYS[6], text, number)
  return number
end

local function countRefusal(code, subject, detail)
  local name = tostring(code)
  if subject ~= 255 then
    local whole = string.format('%d %d.%d.%d', code, math.floor(code / 100), subject, detail)
    if redis.call('HEXISTS', KEYS[7], whole) == 1 or redis.call('HLEN', KEYS[7]) < 500 then name = whole end
  end
  redis.call('HINCRBY', KEYS[7], name, 1)
end

local m = mover(KEYS[4], KEYS[5], KEYS[2], bounds(ARGV[5], 18))
local finals, retries, applied, refusals = 0, 0, 0, 0
local latencies = {}
for at = 1, #ARGV[5], 18 do
  local index, verb, reason, code, subject, detail, ref, bucket, delay = struct.unpack('>Hc1BHBBBBI4', ARGV[5], at)
  local from = m.byte(index)
  local to, used = nil, 0
  local r = m.record(index)
  if mine and from == 'I' then
    used = (verb == 'n' or verb == 'w') and 0 or 1
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
  elseif verb == 's' and STATE_OF[from] and from ~= 'S' and from ~= 'X' then
    to = 'S'
  elseif verb == 'f' and from == 'U' and sameRound and r.due == tonumber(ARGV[3]) and not r.doubt then
    to = 'F'
  end
  if to then
    applied = applied + 1
    r.attempts, r.reason, r.time, r.due = r.attempts + used, reason, seconds, 0
    if to == 'D' then
      r.due = math.max(1, math.min(now + delay, c.giveUpAt) - c.sealedAt)
      retries = retries + 1
    elseif to ~= 'P' then
      finals = finals + 1
    end
    if code > 0 then
      r.code, r.subject, r.detail, r.words = code, subject, detail, wordsNumber(ref)
      if code >= 400 then
        refusals = refusals + 1
        countRefusal(code, subject, detail)
      end
    end
    if bucket < 255 then latencies[bucket] = (latencies[bucket] or 0) + 1 end
    m.move(index, from, to, r)
  end
end
m.count()
if applied > 0 then
  for bucket, count in pairs(latencies) do redis.call('HINCRBY', KEYS[9], bucket, count) end
  local fruitless = held[2] ~= '0'
  if mine and fruitless then redis.call('HSET', KEYS[3], 'claims', 0) end
  if retries > 0 then redis.call('HINCRBY', KEYS[1], 'retries', retries) end
  if finals > 0 then
    c.settled = redis.call('HINCRBY', KEYS[1], 'settled', finals)
    local slot = seconds % 32
    local second, count = string.match(redis.call('HGET', KEYS[8], slot) or '', '(%d+):(%d+)')
    local before = tonumber(second) == seconds and tonumber(count) or 0
    redis.call('HSET', KEYS[8], slot, string.format('%d:%d', seconds, before + finals))
    -- Coarser as the campaign grows older, so that the timeline stays at some thousand fields.
    local age = now - c.sealedAt
    local step = age < 3600000 and 10 or age < 86400000 and 60 or 600
    redis.call('HINCRBY', KEYS[11], seconds - seconds % step, finals)
  end
  -- The first outcomes of a claim make keys, and any refusal may.
  if fruitless or refusals > 0 or not mine then
    expireWith(KEYS[1], KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[11])
  end
end
return { mine and 'ok' or 'fenced', c.settled }

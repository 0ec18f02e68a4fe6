-- A new owner takes a chunk and gets a fence. What a former owner left in flight becomes unknown, with a note of the
-- fence that left it, or pending again with an attempt used where the operator chose `resend`.
-- KEYS: campaign counters chunk states records done waits
-- ARGV: format round token(u32) chunk maxClaims seen(the highest count of settled outcomes that this process knows)
-- Returns: ok fence states records sinceOpeningMs settled part(how many from the first on may be begun) | finished | missing |
--   format | phase | round | paused | lost (the states are gone: Redis lost what it had acknowledged) | closed ms now (not its
--   time; 0: when it may send next is to be found out, see span.lua) | held ms (only the canary is sent) | judge (see judge.lua)
-- Repeated with the same token: the same.
local c, refused = campaign(KEYS[1], ARGV[1])
if not c then return { refused } end
if c.phase ~= 'sending' then return { 'phase' } end
if c.round ~= ARGV[2] then return { 'round' } end
remember(KEYS[1], c, tonumber(ARGV[6]))
if redis.call('GETBIT', KEYS[6], ARGV[4]) == 1 then return { 'finished' } end
local now = millis()
local expired = now >= c.giveUpAt
if c.paused and not c.cancelling and not expired then return { 'paused' } end
local states = redis.call('GET', KEYS[4])
if not states then return { 'lost' } end
local part
if not c.cancelling and not expired then
  if not maySend(c, now) then return { 'closed', closedFor(c, now), now } end
  part = partOf(c, KEYS[3])
  -- Who of the canary is to be tried, or was left in flight, comes before its judgement.
  if part and not string.find(string.sub(states, 1, part), '[PI]') then
    local wait = canaryWait(KEYS[1], c, KEYS[3], states, redis.call('GET', KEYS[5]) or '', part, now)
    if wait > 0 then return { 'held', wait } end
    if c.canary == 'hold' and now >= tonumber(redis.call('HGET', KEYS[1], 'holdUntil')) then return { 'judge' } end
  end
end

local held = redis.call('HMGET', KEYS[3], 'fence', 'token', 'claims')
local fence = tonumber(held[1] or 0)
if held[2] ~= ARGV[3] then
  local former = tonumber(held[2] or 0)
  local claims = tonumber(held[3] or 0) + 1
  local lost = claims > tonumber(ARGV[5])
  local m = mover(KEYS[4], KEYS[5], KEYS[2], 0, #states - 1, true)
  local seconds = math.floor(now / 1000)
  local at = string.find(states, '[PID]')
  while at do
    local index, from = at - 1, string.sub(states, at, at)
    local r = m.record(index)
    local to, reason = from, r.reason
    if from == 'I' then
      r.attempts = r.attempts + 1
      reason = REASON.interrupted
      to = 'U'
      -- Nobody will try again: then it stays unknown, since a message may be out.
      if c.resend and r.attempts < c.attempts and not (c.cancelling or expired or lost) then to, r.doubt = 'P', true end
      r.due = to == 'U' and former or 0
    end
    if from ~= 'I' then
      if c.cancelling then to, reason = 'K', REASON.cancelled
      elseif expired then to, reason = 'F', REASON.expired
      elseif lost then to, reason = 'F', REASON.chunk end
      to, reason = ending(r, to, reason)
    end
    if to ~= from then
      r.reason, r.time = reason, seconds
      m.move(index, from, to, r)
    end
    at = string.find(states, '[PID]', at + 1)
  end
  m.count()
  expireWith(KEYS[1], KEYS[5])
  fence = fence + 1
  redis.call('HSET', KEYS[3], 'fence', fence, 'token', ARGV[3], 'claims', claims)
  redis.call('ZREM', KEYS[7], ARGV[4])
end
return { 'ok', fence, redis.call('GET', KEYS[4]), redis.call('GET', KEYS[5]) or '', now - c.openedAt,
  c.settled, part or #states }

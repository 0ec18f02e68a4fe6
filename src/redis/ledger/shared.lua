-- In front of every ledger script. Bytes and record layout: src/domain/state.ts, src/domain/record.ts.

local REASON = { attempts = 3, expired = 4, data = 5, chunk = 6, cancelled = 7, interrupted = 8, unanswered = 9 }
local STATE_OF = {
  P = 'pending', I = 'inflight', D = 'deferred', S = 'sent', F = 'failed', X = 'suppressed', K = 'skipped', U = 'unknown',
}
local EMPTY_RECORD = struct.pack('>HHBBBBI4I4', 0, 0, 0, 0, 255, 0, 0, 0)

-- The Redis clock in milliseconds: the only clock of the ledger.
local function millis()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- The fields of a campaign, or nil and why it can't be touched: 'missing' (no script creates one by accident) or 'format'.
local function campaign(key, format)
  local f = redis.call('HMGET', key, 'format', 'phase', 'round', 'paused', 'cancelling', 'attempts', 'onUnknown',
    'giveUpAt', 'sealedAt', 'chunks', 'settled', 'openedAt', 'opensAt', 'closesAt', 'canary')
  if not f[1] then return nil, 'missing' end
  if f[1] ~= format then return nil, 'format' end
  return {
    phase = f[2], round = f[3], paused = f[4] and true, cancelling = f[5] and true, attempts = tonumber(f[6]),
    resend = f[7] == 'resend', giveUpAt = tonumber(f[8]), sealedAt = tonumber(f[9]), chunks = tonumber(f[10]),
    settled = tonumber(f[11] or 0),
    -- What `due` counts from: with the 32 bits that it has, a round that a retry opens months later still can.
    openedAt = tonumber(f[12] or f[9]),
    -- When it may send; see span.lua.
    opensAt = tonumber(f[13] or 0), closesAt = tonumber(f[14] or nil) or math.huge,
    -- `out` while only its canary is sent, `hold` while that is waited for; see judge.lua.
    canary = f[15],
  }
end

-- Whether its operator lets it send now: not before its time, not outside its hours.
local function maySend(c, now) return now >= c.opensAt and now < c.closesAt end

-- How long it may not, where it may not now: at most until it is given up, which ends it at any time. 0: its span has passed.
local function closedFor(c, now) return math.max(0, math.min(c.opensAt, c.giveUpAt) - now) end

-- While the canary is out, only the first recipients of each chunk are begun: so many. Nil: all.
local function partOf(c, chunkKey)
  return c.canary and tonumber(redis.call('HGET', chunkKey, 'part') or 0) or nil
end

-- Pauses, by the first one: who says so, and why.
local function pause(key, c, by, reason)
  if c.paused then return end
  c.paused = true
  redis.call('HSET', key, 'paused', cjson.encode({ by = by, reason = reason, at = millis() }))
end

-- The same of a cancel.
local function cancel(key, c, by, reason)
  if c.cancelling then return end
  c.cancelling = true
  redis.call('HSET', key, 'cancelling', 1, 'cancelled', cjson.encode({ by = by, reason = reason, at = millis() }))
end

-- Outcomes are counted as they are settled, and that count never falls. Whoever has seen a higher one knows that Redis
-- went back to an older state (restored from a backup, or a lagging replica took over): it forgot that many outcomes, and
-- those recipients would get a second message. Then the campaign is paused, for the operator to decide.
local function remember(key, c, seen)
  if seen <= c.settled then return end
  redis.call('HINCRBY', key, 'forgotten', seen - c.settled)
  redis.call('HSET', key, 'settled', seen)
  pause(key, c, 'fanmail', string.format('Redis went back: it forgot at least %d outcomes that it had acknowledged, so '
    .. 'that sending on may send second copies', seen - c.settled))
  c.settled = seen
end

-- A key that a script made expires with its campaign: whatever is in Redis goes away by itself.
local function expireWith(campaignKey, ...)
  local ttl
  for _, key in ipairs({ ... }) do
    if redis.call('PTTL', key) == -1 then
      ttl = ttl or redis.call('PTTL', campaignKey)
      if ttl > 0 then redis.call('PEXPIRE', key, ttl) end
    end
  end
end

local function unpackRecord(raw)
  if not raw or #raw < 16 then raw = EMPTY_RECORD end
  local code, words, attempts, reason, subject, detail, time, due = struct.unpack('>HHBBBBI4I4', raw)
  return {
    code = code, words = words, attempts = attempts % 128, doubt = attempts >= 128, reason = reason, subject = subject,
    detail = detail, time = time, due = due,
  }
end

local function packRecord(r)
  return struct.pack('>HHBBBBI4I4', r.code, r.words, math.min(r.attempts, 127) + (r.doubt and 128 or 0), r.reason,
    r.subject, r.detail, r.time, r.due)
end

-- The earliest time at which a deferred recipient is due; nil where none is deferred.
local function earliestDue(c, states, records)
  local earliest
  local at = string.find(states, 'D')
  while at do
    local due = c.openedAt + unpackRecord(string.sub(records, at * 16 - 15, at * 16)).due
    if not earliest or due < earliest then earliest = due end
    at = string.find(states, 'D', at + 1)
  end
  return earliest
end

-- How often a chunk looks whether the others have sent their part of the canary.
local CANARY_LOOK = 60000

-- Milliseconds until somebody in a chunk's part of the canary is to be tried, or the hold is over, or all is given up; 0: now. Everybody in it was
-- tried at least once when it is not 0: the last chunk that says so lets the hold begin.
local function canaryWait(campaignKey, c, chunkKey, states, records, part, now)
  if string.find(string.sub(states, 1, part), '[PI]') then return 0 end
  if part > 0 and redis.call('HSETNX', chunkKey, 'tried', 1) == 1
    and redis.call('HINCRBY', campaignKey, 'canaryLeft', -1) == 0 then
    c.canary = 'hold'
    redis.call('HSET', campaignKey, 'canary', 'hold', 'holdUntil', now + redis.call('HGET', campaignKey, 'holdMs'))
  end
  local look = c.canary == 'hold' and tonumber(redis.call('HGET', campaignKey, 'holdUntil')) or now + CANARY_LOOK
  return math.max(0, math.min(look, earliestDue(c, states, records) or look, c.giveUpAt) - now)
end

-- With `resend`, a recipient is tried again although a former try may have arrived. Then it never ends as one who surely
-- got nothing: only as sent, or unknown.
local function ending(r, to, reason)
  if r.doubt and (to == 'F' or to == 'K' or to == 'X') then return 'U', REASON.unanswered end
  return to, reason
end

-- Moves recipients between states: the bytes, and the counters with them, all at the end, so that the two can't disagree.
-- Takes the indices `first` to `last` out of Redis at once and puts back runs of what has changed: a script pays for a
-- batch, not for each recipient. Records are read only where `recorded` says that some may change.
local function mover(states, records, counters, first, last, recorded)
  local m = { delta = {} }
  local bytes = redis.call('GETRANGE', states, first, last)
  local raw = recorded and redis.call('GETRANGE', records, first * 16, last * 16 + 15)
  local moved, written = {}, {}

  function m.byte(index) return moved[index] or string.sub(bytes, index - first + 1, index - first + 1) end
  function m.record(index)
    local at = (index - first) * 16
    return unpackRecord(written[index] or string.sub(raw, at + 1, at + 16))
  end
  function m.move(index, from, to, record)
    if from ~= to then
      moved[index] = to
      m.delta[from] = (m.delta[from] or 0) - 1
      m.delta[to] = (m.delta[to] or 0) + 1
    end
    if record then written[index] = packRecord(record) end
  end

  -- A short gap is put back as it was: a run more costs more than some bytes.
  local function put(key, before, changed, width)
    if not next(changed) then return end
    local run, start, stop = {}, nil, nil
    local function flush()
      if start then redis.call('SETRANGE', key, start * width, table.concat(run)) end
      run, start = {}, nil
    end
    for index = first, last do
      local piece = changed[index]
      if piece then
        local gap = start and string.sub(before, (stop - first) * width + 1, (index - first) * width)
        if start and (index - stop > 8 or #gap < (index - stop) * width) then flush() end
        if start then run[#run + 1] = gap else start = index end
        run[#run + 1] = piece
        stop = index + 1
      end
    end
    flush()
  end
  function m.count()
    put(states, bytes, moved, 1)
    if raw then put(records, raw, written, 16) end
    for state, by in pairs(m.delta) do
      if by ~= 0 then redis.call('HINCRBY', counters, STATE_OF[state], by) end
    end
  end
  return m
end

-- The lowest and the highest index of a batch of entries of `width` bytes that begin with the index, as u16; and of those
-- before it, where they are given.
local function bounds(packed, width, first, last)
  first, last = first or 65535, last or 0
  for at = 1, #packed, width do
    local high, low = string.byte(packed, at, at + 1)
    local index = high * 256 + low
    if index < first then first = index end
    if index > last then last = index end
  end
  return first, last
end

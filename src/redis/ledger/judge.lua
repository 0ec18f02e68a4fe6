-- What became of the canary, when the hold is over: the campaign goes on, or is cancelled where too many failed. Failed is who is
-- failed or unknown, or was refused for now and is still open; not who was throttled, since that says nothing of the message.
-- Where nobody has an outcome nothing can be said, and it is paused for its operator to decide.
-- KEYS: campaign
-- ARGV: format round prefix(of the staging's keys, same hash tag) abortAbove(0 to 1)
-- Returns: ok verdict(over | failed | nobody | none: there is nothing to judge) | held ms | missing | format | round | phase
-- May be repeated.
local c, refused = campaign(KEYS[1], ARGV[1])
if not c then return { refused } end
if c.round ~= ARGV[2] then return { 'round' } end
if c.phase ~= 'sending' then return { 'phase' } end
if c.canary ~= 'hold' then return { 'ok', 'none' } end
local now, holdUntil = millis(), tonumber(redis.call('HGET', KEYS[1], 'holdUntil'))
if now < holdUntil then return { 'held', holdUntil - now } end

local tried, failed = 0, 0
for n = 0, c.chunks - 1 do
  local part = tonumber(redis.call('HGET', ARGV[3] .. 'chunk:' .. n, 'part') or 0)
  local states = part > 0 and redis.call('GETRANGE', ARGV[3] .. 'states:' .. n, 0, part - 1) or ''
  -- Where Redis lost them, nobody knows what became of these: see recover.lua.
  if states == '' then states = string.rep('U', part) end
  for index = 0, #states - 1 do
    local state = string.sub(states, index + 1, index + 1)
    local bad = state == 'F' or state == 'U'
    -- Being tried again does not undo the refusal before.
    if state == 'D' or state == 'I' or state == 'P' then
      bad = unpackRecord(redis.call('GETRANGE', ARGV[3] .. 'records:' .. n, index * 16, index * 16 + 15)).attempts > 0
    end
    if bad then failed = failed + 1 end
    if bad or state == 'S' then tried = tried + 1 end
  end
end
redis.call('HDEL', KEYS[1], 'canary', 'holdUntil')
redis.call('HSET', KEYS[1], 'canaryFound', cjson.encode({ tried = tried, failed = failed }))
local verdict = 'over'
-- A product of fractions is off by a little: 29% of 100 are 29.
if tried == 0 then
  verdict = 'nobody'
  pause(KEYS[1], c, 'canary', 'nobody of the canary has an outcome: all were suppressed or throttled')
elseif failed > tried * tonumber(ARGV[4]) + 1e-7 then
  verdict = 'failed'
  cancel(KEYS[1], c, 'canary', string.format('%d of %d of the canary failed, more than %.6g%%', failed, tried,
    tonumber(ARGV[4]) * 100))
end
return { 'ok', verdict }

-- Records the intent to hand recipients to the relay: marks a batch in flight.
-- KEYS: campaign counters chunk states
-- ARGV: format round token indices(u16 each) seen(as in claim)
-- Returns: ok granted(u16 each) | missing | format | phase | round | fenced | paused | cancelling | expired.
-- Repeated under the same fence: the same grant.
local c, refused = campaign(KEYS[1], ARGV[1])
if not c then return { refused } end
if c.phase ~= 'sending' then return { 'phase' } end
if c.round ~= ARGV[2] then return { 'round' } end
if redis.call('HGET', KEYS[3], 'token') ~= ARGV[3] then return { 'fenced' } end
remember(KEYS[1], c, tonumber(ARGV[5]))
if c.cancelling then return { 'cancelling' } end
if c.paused then return { 'paused' } end
if millis() >= c.giveUpAt then return { 'expired' } end
local m = mover(KEYS[4], nil, KEYS[2], bounds(ARGV[4], 2))
local granted = {}
for at = 1, #ARGV[4], 2 do
  local high, low = string.byte(ARGV[4], at, at + 1)
  local index = high * 256 + low
  local from = m.byte(index)
  if from == 'P' or from == 'D' then m.move(index, from, 'I') end
  if from == 'P' or from == 'D' or from == 'I' then granted[#granted + 1] = string.sub(ARGV[4], at, at + 1) end
end
m.count()
return { 'ok', table.concat(granted) }

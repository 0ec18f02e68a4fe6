-- Fails everything that is open and not in flight in a chunk whose recipients can't be read any more.
-- KEYS: campaign counters chunk states records
-- ARGV: format round token reason
-- Returns: ok | missing | format | phase | round | fenced | lost. May be repeated.
local c, refused = campaign(KEYS[1], ARGV[1])
if not c then return { refused } end
if c.phase ~= 'sending' then return { 'phase' } end
if c.round ~= ARGV[2] then return { 'round' } end
if redis.call('HGET', KEYS[3], 'token') ~= ARGV[3] then return { 'fenced' } end
local states = redis.call('GET', KEYS[4])
if not states then return { 'lost' } end
local m = mover(KEYS[4], KEYS[5], KEYS[2], 0, #states - 1, true)
local seconds = math.floor(millis() / 1000)
local at = string.find(states, '[PD]')
while at do
  local r = m.record(at - 1)
  local to, reason = ending(r, 'F', tonumber(ARGV[4]))
  r.reason, r.time, r.due = reason, seconds, 0
  m.move(at - 1, string.sub(states, at, at), to, r)
  at = string.find(states, '[PD]', at + 1)
end
m.count()
expireWith(KEYS[1], KEYS[5])
return { 'ok' }

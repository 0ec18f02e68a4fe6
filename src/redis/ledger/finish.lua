-- Marks a chunk finished, refused while anything is open. An owner that leaves with something open gives the chunk
-- back by it: an orderly leave is no failed claim.
-- KEYS: campaign chunk states records done waits
-- ARGV: format round token chunk
-- Returns: finished | open waitMs | missing | format | phase | round | fenced | lost. May be repeated.
local c, refused = campaign(KEYS[1], ARGV[1])
if not c then return { refused } end
if c.phase ~= 'sending' then return { 'phase' } end
if c.round ~= ARGV[2] then return { 'round' } end
if redis.call('GETBIT', KEYS[5], ARGV[4]) == 1 then return { 'finished' } end
if redis.call('HGET', KEYS[2], 'token') ~= ARGV[3] then return { 'fenced' } end
local states = redis.call('GET', KEYS[3])
if not states then return { 'lost' } end
local records, now = redis.call('GET', KEYS[4]) or '', millis()
local part = partOf(c, KEYS[2])
-- Also of a chunk that is finished by it: the others wait for each.
local canaryMs = part and canaryWait(KEYS[1], c, KEYS[2], states, records, part, now)
if not string.find(states, '[PID]') then
  redis.call('SETBIT', KEYS[5], ARGV[4], 1)
  redis.call('ZREM', KEYS[6], ARGV[4])
  expireWith(KEYS[1], KEYS[5])
  return { 'finished' }
end
redis.call('HSET', KEYS[2], 'claims', 0)
if c.cancelling then return { 'open', 0 } end
local due = earliestDue(c, states, records)
if due then
  redis.call('ZADD', KEYS[6], math.min(c.giveUpAt, due), ARGV[4])
  expireWith(KEYS[1], KEYS[6])
end
if part then return { 'open', canaryMs } end
if string.find(states, '[PI]') then return { 'open', 0 } end
return { 'open', math.max(0, math.min(c.giveUpAt, due) - now) }

-- How many messages of a group of domains one process may have under way, of a limit over all of them. Who asks says what it
-- wants; where all together want more than there is, nobody gets more than an equal part, so that nobody starves.
-- A process that dies loses its leases when they expire.
-- KEYS: leases
-- ARGV: owner wanted limit ttlMs
-- Returns: ok granted
local now = micros() / 1000
local wanted, limit = tonumber(ARGV[2]), tonumber(ARGV[3])
local held, asked, holders = 0, wanted, 1
local all = redis.call('HGETALL', KEYS[1])
for at = 1, #all, 2 do
  local granted, wants, ends = string.match(all[at + 1], '^(%d+) (%d+) (%d+)$')
  if tonumber(ends) <= now then redis.call('HDEL', KEYS[1], all[at])
  elseif all[at] ~= ARGV[1] then held, asked, holders = held + granted, asked + wants, holders + 1 end
end
if wanted == 0 then
  redis.call('HDEL', KEYS[1], ARGV[1])
  return { 'ok', 0 }
end
local most = asked > limit and math.max(1, math.floor(limit / holders)) or limit
local granted = math.max(0, math.min(wanted, limit - held, most))
redis.call('HSET', KEYS[1], ARGV[1], string.format('%d %d %.0f', granted, wanted, now + ARGV[4]))
keepFor(KEYS[1], tonumber(ARGV[4]))
return { 'ok', granted }

-- Lets chunks of a campaign that has ended expire with its ledger. Refused once a retry has opened it again: its chunks would go
-- away under it.
-- KEYS: campaign
-- ARGV: format round prefix(of the staging's keys, same hash tag) first last keepMs
-- Returns: ok | missing | format | phase | round. May be repeated.
local c, refused = campaign(KEYS[1], ARGV[1])
if not c then return { refused } end
if c.round ~= ARGV[2] then return { 'round' } end
if c.phase ~= 'completed' and c.phase ~= 'cancelled' then return { 'phase' } end
for n = tonumber(ARGV[4]), tonumber(ARGV[5]) do
  for _, name in ipairs({ 'states:', 'records:', 'chunk:', 'addresses:' }) do
    redis.call('PEXPIRE', ARGV[3] .. name .. n, ARGV[6])
  end
end
return { 'ok' }

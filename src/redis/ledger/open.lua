-- Opens the staging of a campaign. A staging that was silent for a while can be taken over by a new nonce.
-- KEYS: campaign
-- ARGV: format nonce silentMs ttlMs, then the fields of the campaign in pairs
-- Returns: ok | exists phase. Repeated with the same nonce: ok, and nothing is undone.
local f = redis.call('HMGET', KEYS[1], 'phase', 'nonce', 'heardAt')
local now = millis()
if f[1] and f[2] ~= ARGV[2] then
  if f[1] ~= 'staging' or now - tonumber(f[3]) < tonumber(ARGV[3]) then return { 'exists', f[1] } end
  redis.call('DEL', KEYS[1])
elseif f[1] and f[1] ~= 'staging' then
  return { 'ok' }
end
redis.call('HSET', KEYS[1], 'format', ARGV[1], 'phase', 'staging', 'nonce', ARGV[2], 'heardAt', now, 'createdAt', now,
  'round', 1, 'generation', 0, 'retries', 0)
for at = 5, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1]) end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return { 'ok' }

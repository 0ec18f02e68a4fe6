-- Notes that links were made with this secret: from now on the list keeps it, or they would mean nobody any more.
-- KEYS: list
-- ARGV: format key
-- Returns: ok | missing | format | key. May be repeated.
local refused = refusal(ARGV[1], ARGV[2])
if refused then return { refused } end
redis.call('HSETNX', KEYS[1], 'links', 1)
return { 'ok' }

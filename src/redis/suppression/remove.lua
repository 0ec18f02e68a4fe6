-- Takes addresses out of one topic, or out of those for all; an address without any item left is gone.
-- KEYS: list
-- ARGV: format key topic('' for all) hashes(10 bytes each)
-- Returns: ok removed | missing | format | key. May be repeated.
local refused = refusal(ARGV[1], ARGV[2])
if refused then return { refused } end
local topic = topicNumber(ARGV[3])
if not topic then return { 'ok', 0 } end
local items, entries = 0, 0
for at = 1, #ARGV[4], HASH do
  local bucket, field = place(ARGV[4], at)
  local value = redis.call('HGET', bucket, field)
  local found = value and itemOf(value, topic)
  if found then
    local left = string.sub(value, 1, found - 1) .. string.sub(value, found + ITEM)
    if left == '' then
      redis.call('HDEL', bucket, field)
      entries = entries - 1
    else
      redis.call('HSET', bucket, field, left)
    end
    items = items + 1
  end
end
changed(items, entries)
return { 'ok', items }

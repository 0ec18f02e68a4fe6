-- Which addresses must not be sent to in a campaign of this topic: those suppressed for all, and those for the topic.
-- KEYS: list
-- ARGV: format key topic('' for none) hashes(10 bytes each)
-- Returns: ok found(a byte each, 1 or 0) | missing | format | key
local refused = refusal(ARGV[1], ARGV[2])
if refused then return { refused } end
local topic = topicNumber(ARGV[3]) or 0
local found = {}
for at = 1, #ARGV[4], HASH do
  local bucket, field = place(ARGV[4], at)
  local value = redis.call('HGET', bucket, field)
  found[#found + 1] = value and (itemOf(value, 0) or itemOf(value, topic)) and '\1' or '\0'
end
return { 'ok', table.concat(found) }

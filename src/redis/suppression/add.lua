-- Suppresses addresses, for one topic or for all. What is there already stays as it is, with its reason and day.
-- KEYS: list
-- ARGV: format key topic('' for all) entries(13 bytes each: the hash, u8 reason, u16 day, 0 for today)
-- Returns: ok new | missing | format | key | topics(there are as many as there can be). May be repeated.
local refused = refusal(ARGV[1], ARGV[2])
if refused then return { refused } end
local topic = topicNumber(ARGV[3])
if not topic then
  topic = redis.call('HLEN', PREFIX .. 'topics') + 1
  if topic >= TOPICS then return { 'topics' } end
  redis.call('HSET', PREFIX .. 'topics', ARGV[3], topic)
end
local today = math.floor(tonumber(redis.call('TIME')[1]) / 86400)
local items, entries = 0, 0
for at = 1, #ARGV[4], HASH + 3 do
  local bucket, field = place(ARGV[4], at)
  local value = redis.call('HGET', bucket, field)
  if not (value and itemOf(value, topic)) then
    local why, day = struct.unpack('>BH', ARGV[4], at + HASH)
    local item = struct.pack('>HH', why * TOPICS + topic, day == 0 and today or day)
    redis.call('HSET', bucket, field, (value or '') .. item)
    items = items + 1
    if not value then entries = entries + 1 end
  end
end
changed(items, entries)
return { 'ok', items }

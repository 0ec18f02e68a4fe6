-- In front of every script of the suppression list. KEYS[1] is the list's own hash: format, secret, key (a short hash of the
-- secret), version, entries. The other keys have the same hash tag and are named by it: `topics`, a hash of topic to number;
-- `bucket:0` to `bucket:524287`, hashes by the first 19 bits of an address's hash. A field is the last 8 of its 10 bytes, and a
-- value has 4 bytes for each topic that the address is suppressed for: u16 reason * 4096 + topic (0: all), u16 day. So a bucket
-- of ten million addresses has 19 fields: a listpack, which takes far less than a hash table, and is short to search.

local PREFIX = string.match(KEYS[1], '^(.*)list$')
local BUCKETS, HASH, ITEM, TOPICS = 524288, 10, 4, 4096

-- Why the list can't be touched, or nil: 'missing' (there is none), 'format', 'key' (it has another secret than the caller's,
-- whose hashes mean nothing here).
local function refusal(format, key)
  local f = redis.call('HMGET', KEYS[1], 'format', 'key')
  if not f[1] then return 'missing' end
  if f[1] ~= format then return 'format' end
  if f[2] ~= key then return 'key' end
end

-- The bucket and the field of the hash that begins at `at` of a packed batch.
local function place(packed, at)
  local a, b, c = string.byte(packed, at, at + 2)
  return PREFIX .. 'bucket:' .. (a * 2048 + b * 8 + math.floor(c / 32)), string.sub(packed, at + 2, at + HASH - 1)
end

-- Where in a value a topic's item begins, or nil.
local function itemOf(value, topic)
  for at = 1, #value, ITEM do
    local high, low = string.byte(value, at, at + 1)
    if (high * 256 + low) % TOPICS == topic then return at end
  end
end

-- The number of a topic, 0 for '' which stands for all, or nil for one that nobody was ever suppressed for.
local function topicNumber(name)
  if name == '' then return 0 end
  return tonumber(redis.call('HGET', PREFIX .. 'topics', name) or nil)
end

-- Counts what a batch did, in addresses; whoever looks at the version learns that something has changed.
local function changed(items, entries)
  if items == 0 then return end
  redis.call('HINCRBY', KEYS[1], 'version', 1)
  if entries ~= 0 then redis.call('HINCRBY', KEYS[1], 'entries', entries) end
end

-- End the live records of one user, as `end` in records.py does.
--
-- KEYS[1]  the index of the user
-- KEYS[2]  and on: the records, in the same slot
-- ARGV[1]  the user id; two users may share an index, if hardly ever
-- ARGV[2]  the reason
-- ARGV[3]  now, in microseconds
-- ARGV[4]  from when on the tombstones may be forgotten, in minutes
-- ARGV[5]  the least time to live, in milliseconds
-- ARGV[6]  the moment before which no login counts, in microseconds; may be empty
-- ARGV[7]  and on: the ids as the index has them, in the order of the records
--
-- Returns how many there were. The layout of a record is in redis_codec.py.

local now = tonumber(ARGV[3])
local brake = tonumber(ARGV[6])
local ended = 0
local longest = 0
for i = 2, #KEYS do
  local kept = redis.call('GET', KEYS[i])
  if kept then
    local format, flags, version, _, expires, _, created, size =
      struct.unpack('>BI2I4i8i8i8i8I2', kept)
    -- The bits 1 and 16: it has an end, and a reason for it.
    local live = bit.band(flags, 17) == 0 and not (brake and created < brake)
    if live and kept:sub(42, 41 + size) == ARGV[1] then
      local value = struct.pack('>BI2I4', format, flags + 17, version + 1)
        .. kept:sub(8, 15) .. struct.pack('>i8', now) .. kept:sub(24, 41 + size)
        .. kept:sub(16, 23) -- expires_at, whose place in the head has when it ended
        .. kept:sub(42 + size) .. ARGV[2]
      local ttl = redis.call('PTTL', KEYS[i]) + math.ceil((now - expires) / 1000)
      ttl = math.max(ttl, tonumber(ARGV[5]))
      redis.call('SET', KEYS[i], value, 'PX', string.format('%.0f', ttl))
      redis.call('ZADD', KEYS[1], ARGV[4], ARGV[i + 5])
      longest = math.max(longest, ttl)
      ended = ended + 1
    end
  end
end
if longest > 0 and redis.call('PTTL', KEYS[1]) < longest then
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', longest))
end
return ended

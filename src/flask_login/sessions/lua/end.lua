-- End the live records of one user, as `end` in records.py does.
--
-- KEYS[1]  the index of the user
-- KEYS[2]  and on: the records, in the same slot
-- ARGV[1]  the user id; two users may share an index, if hardly ever
-- ARGV[2]  the reason
-- ARGV[3]  now, in microseconds
-- ARGV[4]  from when on the tombstones may be forgotten, in microseconds
-- ARGV[5]  the least time to live, in milliseconds
-- ARGV[6]  and on: the ids, in the order of the records
--
-- Returns how many there were. The layout of a record is in redis.py.

local ended = 0
local longest = 0
for i = 2, #KEYS do
  local kept = redis.call('GET', KEYS[i])
  if kept then
    local format, flags, version, last, purge, idle, created, size =
      struct.unpack('>BI2I8i8i8i8i8I4', kept)
    if bit.band(flags, 1 + 8192) == 0 and kept:sub(48, 47 + size) == ARGV[1] then
      local now, forget = tonumber(ARGV[3]), tonumber(ARGV[4])
      -- The bits 1 and 8192: it has an end, and a reason for it.
      local head = struct.pack('>BI2I8', format, flags + 1 + 8192, version + 1)
        .. kept:sub(12, 19) .. struct.pack('>i8', forget) .. kept:sub(28, 47 + size)
        .. struct.pack('>i8', now) .. kept:sub(20, 27) -- ended_at, expires_at
      local ttl = redis.call('PTTL', KEYS[i]) + math.ceil((forget - purge) / 1000)
      ttl = math.max(ttl, tonumber(ARGV[5]))
      local value = head .. kept:sub(48 + size) .. ARGV[2]
      redis.call('SET', KEYS[i], value, 'PX', string.format('%.0f', ttl))
      redis.call('ZADD', KEYS[1], ARGV[4], ARGV[i + 4])
      longest = math.max(longest, ttl)
      ended = ended + 1
    end
  end
end
if longest > 0 and redis.call('PTTL', KEYS[1]) < longest then
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', longest))
end
return ended

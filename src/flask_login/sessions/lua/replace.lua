-- Keep a record in place of the version before it.
--
-- KEYS[1]  the index of the user
-- KEYS[2]  the record, in the same slot
-- ARGV[1]  the record's new bytes
-- ARGV[2]  its id, as the index has it
-- ARGV[3]  its new purge_at, in minutes
-- ARGV[4]  for how long it is kept if it has no time to live (any more), in milliseconds
-- ARGV[5]  the least time to live, in milliseconds
--
-- Returns 1 when it was kept; 0 when the id is gone or another version is there.
--
-- The time to live is shifted by as much as the moment it ends or ended: no clock but Redis's own
-- is in it, and a record for which that stays the same goes when it would have gone. The layout
-- of a record is in redis_codec.py.

local value = ARGV[1]
local kept = redis.call('GET', KEYS[2])
if not kept then
  return 0
end
local _, _, version, last, over = struct.unpack('>BI2I4i8i8', kept)
local _, _, new_version, new_last, new_over = struct.unpack('>BI2I4i8i8', value)
if version ~= new_version - 1 then
  return 0
end
if last > new_last then
  value = value:sub(1, 7) .. kept:sub(8, 15) .. value:sub(16)
end
local ttl = redis.call('PTTL', KEYS[2])
if ttl < 0 then
  ttl = tonumber(ARGV[4])
else
  ttl = ttl + math.ceil((new_over - over) / 1000)
end
ttl = math.max(ttl, tonumber(ARGV[5]))
local milliseconds = string.format('%.0f', ttl)
redis.call('SET', KEYS[2], value, 'PX', milliseconds)
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[2])
if redis.call('PTTL', KEYS[1]) < ttl then
  redis.call('PEXPIRE', KEYS[1], milliseconds)
end
return 1

-- Forget records of one user.
--
-- KEYS[1]  the index of the user
-- KEYS[2]  and on: the records, in the same slot
-- ARGV[1]  '=' and the user id, or nothing: two users may share an index, if hardly ever
-- ARGV[2]  and on: the ids as the index has them, in the order of the records
--
-- Returns {how many there were, id, record, id, record, ...}: those with an external id only,
-- whose index is elsewhere. The layout of a record is in redis_codec.py.

local forgotten = {0}
for i = 2, #KEYS do
  local record = redis.call('GET', KEYS[i])
  local mine = true
  if record then
    local _, flags, _, _, _, _, _, size = struct.unpack('>BI2I4i8i8i8i8I2', record)
    mine = ARGV[1] == '' or ARGV[1] == '=' .. record:sub(42, 41 + size)
    if mine then
      redis.call('DEL', KEYS[i])
      forgotten[1] = forgotten[1] + 1
      if bit.band(flags, 16384) ~= 0 then
        forgotten[#forgotten + 1] = ARGV[i]
        forgotten[#forgotten + 1] = record
      end
    end
  end
  if mine then
    redis.call('ZREM', KEYS[1], ARGV[i])
  end
end
return forgotten

-- Keep a new record, and its id in the index of its user.
--
-- KEYS[1]  the record
-- KEYS[2]  the index of the user, in the same slot
-- ARGV[1]  the record's bytes
-- ARGV[2]  its id, as the index has it
-- ARGV[3]  its purge_at, in minutes
-- ARGV[4]  for how long it is kept, in milliseconds
-- ARGV[5]  now, in minutes
--
-- Returns up to ten ids of the index that look as if their records were gone. Whether they are
-- is looked up by the caller; so the index does not grow for ever, and no clock decides it.

-- NX: should this be sent twice, the second must not undo what was done to the first.
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[4], 'NX')
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[2])
if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[4]) then
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
end
return redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[5], 'LIMIT', 0, 10)

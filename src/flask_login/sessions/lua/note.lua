-- Note an id in the index of an external id, which may live in another slot than the record.
--
-- KEYS[1]  the index
-- ARGV[1]  the id
-- ARGV[2]  its record's purge_at in minutes, or '-inf' while the record may not be there yet
-- ARGV[3]  for how long the entry is needed, in milliseconds
-- ARGV[4]  now, in minutes
--
-- Returns up to ten ids that look as if their records were gone. One that was noted with '-inf'
-- is not among them: its record may be on its way.

redis.call('ZADD', KEYS[1], ARGV[2] == '-inf' and 'NX' or 'XX', ARGV[2], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return redis.call('ZRANGEBYSCORE', KEYS[1], '(-inf', '(' .. ARGV[4], 'LIMIT', 0, 10)

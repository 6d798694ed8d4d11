-- Set the moment before which no login counts to an earlier one.
--
-- KEYS[1]  the moment
-- ARGV[1]  the new one, in microseconds
--
-- Returns 1 when a later one was kept, else 0: then what is kept stays.

local kept = redis.call('GET', KEYS[1])
if not kept or tonumber(kept) <= tonumber(ARGV[1]) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1])
return 1

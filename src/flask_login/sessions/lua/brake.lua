-- Set the moment before which no login counts, unless a later one is kept.
--
-- KEYS[1]  the moment; without a time to live, or what it ended would come back
-- ARGV[1]  the new one, in microseconds
--
-- Returns the moment that is kept.

local kept = redis.call('GET', KEYS[1])
if kept and tonumber(kept) >= tonumber(ARGV[1]) then
  return kept
end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]

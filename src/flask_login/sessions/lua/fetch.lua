-- Read records of one user, and drop from the index those that are gone.
--
-- KEYS[1]  the index of the user
-- KEYS[2]  and on: the records, in the same slot
-- ARGV     their ids, in the same order
--
-- Returns the records in that order, false in place of those that are gone. A record and its
-- entry are written in one step and ids do not come back, so an entry whose record is missing
-- is stale for good.

local found = {}
for i, id in ipairs(ARGV) do
  found[i] = redis.call('GET', KEYS[i + 1])
  if not found[i] then
    redis.call('ZREM', KEYS[1], id)
  end
end
return found

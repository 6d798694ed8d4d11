-- Drop ids from the index of an external id, but none whose record may be on its way.
--
-- KEYS[1]  the index
-- ARGV     the ids

for _, id in ipairs(ARGV) do
  local score = redis.call('ZSCORE', KEYS[1], id)
  if score and score ~= '-inf' then
    redis.call('ZREM', KEYS[1], id)
  end
end
return #ARGV

-- Return all ids of an index. A script, because a client may read plain commands from a replica,
-- which could miss the login that is to be ended.
--
-- KEYS[1]  the index

return redis.call('ZRANGE', KEYS[1], 0, -1)

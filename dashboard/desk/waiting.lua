-- A digest of all that decides what waits of a product, so that its reader need not fetch what it knows: most reviews that are
-- counted are neither strongly negative nor uncertain, and leave these lists as they were. Nothing is written.
--
-- KEYS: lists of strong negatives and of uncertain reviews; hash of relabels; sorted set of places that are done.
-- Returns: 40 hex digits.

local parts = {
  table.concat(redis.call('LRANGE', KEYS[1], 0, -1), '\n'),
  table.concat(redis.call('LRANGE', KEYS[2], 0, -1), '\n'),
  table.concat(redis.call('HGETALL', KEYS[3]), '\n'),
  table.concat(redis.call('ZRANGE', KEYS[4], 0, -1), '\n'),
}

return redis.sha1hex(table.concat(parts, '\0'))

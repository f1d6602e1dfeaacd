-- The state of every product as one text, for the same reason as in series.lua. Nothing is written.
--
-- KEYS: the revisions hash of a ranking. Returns: JSON, an array of product, revision, product, revision ...

return cjson.encode(redis.call('HGETALL', KEYS[1]))

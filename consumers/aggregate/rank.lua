-- Write absolute values into one ranking, unless a later state of the product already stands there: an aggregator
-- that was suspended between counting and ranking must not undo what its successor wrote.
--
-- KEYS: the ranking (sorted set), its revisions (hash). ARGV, for each product: product id, value, revision.

local ranking, revisions = KEYS[1], KEYS[2]

for i = 1, #ARGV, 3 do
  local product, value, revision = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  if revision >= tonumber(redis.call('HGET', revisions, product) or '0') then
    redis.call('ZADD', ranking, value, product)
    redis.call('HSET', revisions, product, ARGV[i + 2])
  end
end

-- Write absolute values into one ranking, unless a later state of the product already stands there: an aggregator
-- that was suspended between counting and ranking must not undo what its successor wrote. Nothing is written where the
-- mark of the write before this one is gone: what was counted is gone too, and the partitions will be read again.
--
-- KEYS: the ranking (sorted set), its revisions (hash); marks hash of the topic.
-- ARGV: the mark to leave now, the number of partitions; for each partition, its number and the mark that the write
--       before this one left; for each product, its id, value and revision.

local ranking, revisions, marks = KEYS[1], KEYS[2], KEYS[3]
local mark, products = ARGV[1], 3 + 2 * tonumber(ARGV[2])

for i = 3, products - 1, 2 do
  if redis.call('HGET', marks, ARGV[i]) ~= ARGV[i + 1] then
    return
  end
end

for i = 3, products - 1, 2 do
  redis.call('HSET', marks, ARGV[i], mark)
end

for i = products, #ARGV, 3 do
  local product, value, revision = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  if revision >= tonumber(redis.call('HGET', revisions, product) or '0') then
    redis.call('ZADD', ranking, value, product)
    redis.call('HSET', revisions, product, ARGV[i + 2])
  end
end

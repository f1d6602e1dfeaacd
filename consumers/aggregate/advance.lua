-- Move the stored offsets of some partitions, each only if it is still what the aggregator knows: otherwise Redis was
-- emptied or put back to an older state, or another aggregator reads this partition now. Repeating it changes nothing.
--
-- KEYS: the offsets hash of the topic. ARGV, for each partition: partition, known offset ("" for none), next offset.
-- Returns: the partitions that were not moved.

local offsets, others = KEYS[1], {}

for i = 1, #ARGV, 3 do
  local partition, known, next = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local stored = redis.call('HGET', offsets, partition) or ''
  if stored ~= known and stored ~= next then
    table.insert(others, tonumber(partition))
  elseif stored ~= next then
    redis.call('HSET', offsets, partition, next)
  end
end

return others

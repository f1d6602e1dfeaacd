-- Move the stored offsets of some partitions, each only if it is still what the aggregator knows, and if what it counted
-- since then is still there: otherwise Redis was emptied, put back to an older state or replaced by a replica that
-- lagged, or another aggregator reads this partition now. Repeating it changes nothing.
--
-- KEYS: offsets and marks hashes of the topic; state of a rebuild. While its view is being swapped in, nothing is moved.
-- ARGV: label retention in days ("" for ever), which is noted with the first offset and never changes; then for each
--       partition: partition, known offset ("" for none), the mark of what was counted since that was stored ("" for
--       nothing), next offset.
-- Returns: the partitions that were not moved.

local offsets, marks, others = KEYS[1], KEYS[2], {}
local swapping = redis.call('HEXISTS', KEYS[3], 'swap') == 1
local label_retention, noted = ARGV[1], redis.call('HGET', offsets, 'label_retention') or ''
local begins = noted ~= label_retention and #redis.call('HVALS', offsets) == 0
local another = noted ~= label_retention and not begins

for i = 2, #ARGV, 4 do
  local partition, known, mark, next = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local stored = redis.call('HGET', offsets, partition) or ''
  if swapping or another then
    table.insert(others, tonumber(partition))
  elseif stored ~= next then
    if stored == known and (mark == '' or redis.call('HGET', marks, partition) == mark) then
      redis.call('HSET', offsets, partition, next)
      if begins then
        redis.call('HSET', offsets, 'label_retention', label_retention)
      end
    else
      table.insert(others, tonumber(partition))
    end
  end
end

return others

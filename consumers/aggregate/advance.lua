-- Move the stored offsets of some partitions, each only if it is still what the aggregator knows, and if what it counted
-- since then is still there: otherwise Redis was emptied, put back to an older state or replaced by a replica that
-- lagged, or another aggregator reads this partition now. Repeating it changes nothing.
--
-- KEYS: offsets and marks hashes of the topic; state of a rebuild. While its view is being swapped in, nothing is moved.
-- ARGV, for each partition: partition, known offset ("" for none), the mark of what was counted since that was stored
--       ("" for nothing), next offset.
-- Returns: the partitions that were not moved.

local offsets, marks, others = KEYS[1], KEYS[2], {}
local swapping = redis.call('HEXISTS', KEYS[3], 'swap') == 1

for i = 1, #ARGV, 4 do
  local partition, known, mark, next = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local stored = redis.call('HGET', offsets, partition) or ''
  if swapping then
    table.insert(others, tonumber(partition))
  elseif stored ~= next then
    if stored == known and (mark == '' or redis.call('HGET', marks, partition) == mark) then
      redis.call('HSET', offsets, partition, next)
    else
      table.insert(others, tonumber(partition))
    end
  end
end

return others

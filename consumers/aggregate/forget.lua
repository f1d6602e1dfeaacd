-- Drop labels that are forgotten, as Redis drops keys that have expired: look at some at random, and at more while a quarter
-- of them had to go. The clock of the product has decided already that they count for nothing more, so it does not matter
-- when they go, or whether all do.
--
-- KEYS: labels and applied hashes of a product, offsets of the topic.
-- ARGV: label retention in days.

local labels, applied, offsets = unpack(KEYS)
local SAMPLE, MOST_SAMPLES = 20, 50  -- a thousand labels take about a millisecond

local clock = tonumber(redis.call('HGET', applied, 'clock'))
if not clock or redis.call('HGET', offsets, 'label_retention') ~= ARGV[1] then
  return
end
local retention = tonumber(ARGV[1])

for _ = 1, MOST_SAMPLES do
  local sample, forgotten = redis.call('HRANDFIELD', labels, SAMPLE, 'WITHVALUES'), {}
  for i = 1, #sample, 2 do
    local sign, day, delay = string.match(sample[i + 1], '^%w%w%w%w%w%w(%-?)(%w+)@?(%-?%d*)')
    if day then
      local counted = (sign == '-' and -1 or 1) * tonumber(day, 36) + (tonumber(delay) or 0)
      if clock - counted > retention then
        table.insert(forgotten, sample[i])
      end
    end
  end
  if #forgotten > 0 then
    redis.call('HDEL', labels, unpack(forgotten))
  end
  if #forgotten * 4 < SAMPLE then
    return
  end
end

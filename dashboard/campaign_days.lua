-- The days of one campaign in one channel, summed over its products, as one text, for the same reason as in series.lua. Nothing
-- is written.
--
-- KEYS: counts hashes of the campaign, of each of its products. The day hashes stand beside them under the same hash tag.
-- ARGV: days as YYYY-MM-DD.
-- Returns: JSON, of each day reviews, positive, strong_positive, strong_negative, uncertain and score_sum in millionths.

local sums = {}

for number, day in ipairs(ARGV) do
  local of_day = {0, 0, 0, 0, 0, 0}
  for _, key in ipairs(KEYS) do
    local counted = redis.call('HMGET', key .. ':day:' .. day, 'reviews', 'positive', 'strong_positive', 'strong_negative',
      'uncertain', 'score_sum')
    for i = 1, 6 do
      of_day[i] = of_day[i] + tonumber((string.gsub(counted[i] or '0', '%.', '')))
    end
  end
  for i = 1, 6 do
    table.insert(sums, string.format('%d', of_day[i]))
  end
end

return cjson.encode(sums)

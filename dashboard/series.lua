-- The counts of one product by channel and day, as one text: a reply of many small parts costs its reader more than the
-- reading costs Redis. Nothing is written.
--
-- KEYS: the product's counts hash of each channel. The day hashes stand beside them under the same hash tag.
-- ARGV: days as YYYY-MM-DD.
-- Returns: lines of "channel day reviews positive strong_positive strong_negative uncertain score_sum", of those that hold
--          anything; channel and day by their number, from 0.

local lines = {}

for channel, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 1 then
    for number, day in ipairs(ARGV) do
      local found = redis.call('HMGET', key .. ':day:' .. day, 'reviews', 'positive', 'strong_positive', 'strong_negative',
        'uncertain', 'score_sum')
      if found[1] and found[1] ~= '0' then
        for i = 1, 6 do
          found[i] = found[i] or '0'
        end
        table.insert(lines, (channel - 1) .. ' ' .. (number - 1) .. ' ' .. table.concat(found, ' '))
      end
    end
  end
end

return table.concat(lines, '\n')

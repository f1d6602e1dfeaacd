-- Some campaigns with their counts in one channel, summed over their products, as one text, for the same reason as in
-- series.lua. Nothing is written.
--
-- KEYS: the sorted set of all campaigns. ARGV: what the keys of products begin with, the channel, ranks of the first and last.
-- Returns: JSON, an array of campaign, products, reviews, positive, strong_positive, strong_negative, uncertain and score_sum in
--          millionths, again and again.

local start, channel, found = ARGV[1], ARGV[2], {}
local FIELDS = {'reviews', 'positive', 'strong_positive', 'strong_negative', 'uncertain', 'score_sum'}

for _, campaign in ipairs(redis.call('ZRANGE', KEYS[1], ARGV[3], ARGV[4])) do
  local name = string.gsub(campaign, '[^A-Za-z0-9_.~-]', function(byte) return string.format('%%%02X', string.byte(byte)) end)
  local middle = channel == 'review' and '}:campaign:' or '}:channel:' .. channel .. ':campaign:'
  local products, sums = 0, {0, 0, 0, 0, 0, 0}
  for _, member in ipairs(redis.call('ZRANGE', KEYS[1] .. ':' .. name, 0, -1)) do
    local of_channel, product = string.match(member, '^(%l+):(.*)$')
    if of_channel == channel then
      local counted = redis.call('HMGET', start .. product .. middle .. name, unpack(FIELDS))
      if counted[1] and counted[1] ~= '0' then
        products = products + 1
        for i = 1, 6 do
          sums[i] = sums[i] + tonumber((string.gsub(counted[i] or '0', '%.', '')))
        end
      end
    end
  end
  table.insert(found, campaign)
  table.insert(found, string.format('%d', products))
  for i = 1, 6 do
    table.insert(found, string.format('%d', sums[i]))
  end
end

return cjson.encode(found)

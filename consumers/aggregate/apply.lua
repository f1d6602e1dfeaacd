-- Apply events of one product, from one partition, in one step: counts, labels, negatives and the applied offset
-- change together or not at all. An event at or below the applied offset changes nothing, so replays are harmless.
--
-- KEYS: product hash, labels hash, negatives list, applied hash; offsets and marks hashes of the topic; state of a
--       rebuild; list of uncertain reviews, hash of what people say instead; sorted sets of all campaigns and of customers
--       with several strong negatives. The channel, campaign and day hashes stand beside the product hash under the same
--       hash tag; which ones an old label was counted in, and whose it was, is known only here.
-- ARGV: topic, partition, the offset that is stored for it as far as the aggregator knows, the mark that its last call
--       since then left ("" for none), the mark to leave now, negatives kept, day retention in days, label retention in
--       days ("" for ever), uncertain reviews kept, customer retention in days, product, then for each event: offset, review
--       id, label ("" for a delete), scored_at, entry of a list as JSON ("" for none) and, where labels are forgotten, the day of scored_at since
--       1970-01-01. What a person says of a review has no scored_at: its label is what the model said, and in place
--       of the entry stands a letter, P, p, N or n, or "" if the model's shall count again.
-- Returns: revision, reviews, positive, negative, strong_negative of the product's channel "review"; or false, and
--       nothing was applied, if another offset, another mark or another label retention is stored, or a rebuilt view is
--       being swapped in.

local product, labels, negatives, applied, offsets, marks, rebuild, uncertain, relabels, campaigns, customers = unpack(KEYS)
local source, partition, known, before, mark = ARGV[1] .. ':' .. ARGV[2], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local kept, retention, label_retention, uncertain_kept = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8], tonumber(ARGV[9])
local customer_retention, product_id = tonumber(ARGV[10]), ARGV[11]

-- A Redis that was emptied, put back to an older state, or replaced by a replica that lagged, lacks events before these.
-- Applying these first would make the product ignore the lost ones when they are read again. In this same step nothing
-- can be lost unnoticed.
local stored = redis.call('HMGET', offsets, partition, 'label_retention')
if stored[1] ~= known or (stored[2] or '') ~= label_retention or redis.call('HEXISTS', rebuild, 'swap') == 1 then
  return false
end
if before ~= '' and redis.call('HGET', marks, partition) ~= before then
  return false
end
redis.call('HSET', marks, partition, mark)

local SECONDS_A_DAY = 86400
local RISK_FROM = 2  -- strong negatives; as in schemas/redis_keys.py
local FIELDS = {
  P = {'positive', 'strong_positive'},
  p = {'positive', 'weak_positive'},
  N = {'negative', 'strong_negative'},
  n = {'negative', 'weak_negative'},
}

-- Day number since 1970-01-01 to YYYY-MM-DD: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
local function iso_date(day)
  local z = day + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  return string.format('%04d-%02d-%02d', year, month, doy - math.floor((153 * mp + 2) / 5) + 1)
end

-- What this call adds to each hash, written once at the end however many events there are.
local changes = {}

local function change(key, day)
  if not changes[key] then
    changes[key] = {day = day, micros = 0, fields = {}}
  end
  return changes[key]
end

-- A label such as rPk128fvk, as StoredLabel.encode explains it: the code of what the model said, which may be the older
-- review|P|-|934512|20576, then perhaps @delay, ~customer and #campaign.
local CHANNELS = {r = 'review', s = 'support', a = 'ad', o = 'social'}

local function origin_of(label)
  return string.match(label, '^[^~#]*~?([^#]*)#?(.*)$')
end

local function read(label)
  local contribution = string.match(label, '^[^@~#]*')
  local first, code, micros, sign, days = string.match(contribution, '^(%a)(%a)(%w%w%w%w)(%-?)(%w+)$')
  if first then
    local day = tonumber(days, 36)
    return CHANNELS[string.lower(first)], code, first == string.upper(first), tonumber(micros, 36),
      sign == '-' and -day or day
  end
  local channel, doubt
  channel, code, doubt, micros, days = string.match(contribution, '^(%a+)|(%a)|(.)|(%d+)|(-?%d+)$')
  return channel, code, doubt == 'u', tonumber(micros), tonumber(days)
end

-- What a person says is kept by what the model said and the review: it is found whichever of the two is read first, and
-- is void while the review stands as anything else. docs/adr/0009 says why.
local relabelled = redis.call('HLEN', relabels) > 0

local function place_of(review_id, label)
  local channel, code, doubt, micros, day = read(label)
  return string.format('%s|%s|%s|%d|%d ', channel, code, doubt and 'u' or '-', micros, day) .. review_id
end

-- As in a URL: a brace or a colon of a campaign's own would be taken for one of the key's.
local function in_a_key(campaign)
  return (string.gsub(campaign, '[^A-Za-z0-9_.~-]', function(byte) return string.format('%%%02X', string.byte(byte)) end))
end

-- What this call changes of customers' strong negatives: customer -> member -> day, or false where it is taken back.
local strong_negatives = {}

local function note_customer(customer, review_id, day)
  strong_negatives[customer] = strong_negatives[customer] or {}
  strong_negatives[customer][#product_id .. ':' .. product_id .. ':' .. review_id] = day
end

local function count(review_id, label, sign, scored_at)
  local channel, code, doubt, micros, day = read(label)
  local said = relabelled and redis.call('HGET', relabels, place_of(review_id, label))
  if said then  -- a person is sure
    code, doubt, micros = said, false, string.upper(said) == 'P' and 1000000 or 0
  end
  local customer, campaign = origin_of(label)
  if customer ~= '' and code == 'N' then
    note_customer(customer, review_id, sign > 0 and day)
  end
  local total = channel == 'review' and product or product .. ':channel:' .. channel
  local places = {change(total), change(total .. ':day:' .. iso_date(day), day)}
  if campaign ~= '' then
    local of_campaign = total .. ':campaign:' .. in_a_key(campaign)
    table.insert(places, change(of_campaign))
    table.insert(places, change(of_campaign .. ':day:' .. iso_date(day), day))
    places[3].campaign, places[3].member = campaign, channel .. ':' .. product_id
  end
  for _, hash in ipairs(places) do
    local fields = hash.fields
    for _, name in ipairs({'reviews', FIELDS[code][1], FIELDS[code][2], doubt and 'uncertain' or nil}) do
      fields[name] = (fields[name] or 0) + sign
    end
    hash.micros = hash.micros + sign * micros
    hash.scored_at = scored_at or hash.scored_at
  end
end

-- The list in which the model's word puts a review, and how many it holds; people's words do not move it.
local function list_of(label)
  local _, code, doubt = read(label)
  if code == 'N' then
    return negatives, kept
  end
  return doubt and uncertain, uncertain_kept
end

-- Where labels are forgotten: the product's clock, which is the latest day of scored_at so far. StoredLabel.encode explains
-- how a label holds the day on this clock when it was counted.
local forgets = tonumber(label_retention)
local clock = forgets and (tonumber(redis.call('HGET', applied, 'clock')) or -math.huge)

local function day_of(label)
  local _, _, _, _, day = read(label)
  return day
end

local function remembered(label)
  local delay = string.match(label, '^[^@~#]*@(%-?%d+)')
  return clock - day_of(label) - (tonumber(delay) or 0) <= forgets and label
end

local function with_delay(label)
  local delay = clock - day_of(label)
  local code, origin = string.match(label, '^([^~#]*)(.*)$')
  return delay == 0 and label or string.format('%s@%d', code, delay) .. origin
end

local function forget_entry(list, review_id)
  for _, entry in ipairs(redis.call('LRANGE', list, 0, -1)) do
    if cjson.decode(entry).review_id == review_id then
      redis.call('LREM', list, 1, entry)
      if not forgets then  -- what is forgotten may be listed beside what is counted now
        return
      end
    end
  end
end

local function apply(review_id, label, scored_at, entry)
  local old = redis.call('HGET', labels, review_id)
  if old and forgets then
    old = remembered(old)
  end
  if old then
    count(review_id, old, -1, scored_at)
    local list = list_of(old)
    if list then
      forget_entry(list, review_id)
    end
  end
  if forgets and label == '' then
    forget_entry(negatives, review_id)
    forget_entry(uncertain, review_id)
  end
  if label ~= '' then
    redis.call('HSET', labels, review_id, forgets and with_delay(label) or label)
    count(review_id, label, 1, scored_at)
    local list, most = list_of(label)
    if entry ~= '' and most > 0 then
      redis.call('LPUSH', list, entry)
      redis.call('LTRIM', list, 0, most - 1)
    end
  elseif old then
    redis.call('HDEL', labels, review_id)
  end
end

local function relabel(review_id, contribution, said)
  local counted, place = redis.call('HGET', labels, review_id), place_of(review_id, contribution)
  local concerns = counted and place_of(review_id, counted) == place
  if concerns then
    count(review_id, counted, -1)
  end
  if said == '' then
    redis.call('HDEL', relabels, place)
  else
    redis.call('HSET', relabels, place, said)
    relabelled = true
  end
  if concerns then
    count(review_id, counted, 1)
  end
end

local last = tonumber(redis.call('HGET', applied, source) or '-1')
local first = last
for i = 12, #ARGV, forgets and 6 or 5 do
  local offset = tonumber(ARGV[i])
  if offset > last then
    if ARGV[i + 3] ~= '' then
      clock = forgets and math.max(clock, tonumber(ARGV[i + 5]))
      apply(ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4])
    else
      relabel(ARGV[i + 1], ARGV[i + 2], ARGV[i + 4])
    end
    last = offset
  end
end

if last > first then
  redis.call('HSET', applied, source, string.format('%d', last))
  if forgets then
    redis.call('HSET', applied, 'clock', string.format('%d', clock))
  end
end

for key, hash in pairs(changes) do
  for name, delta in pairs(hash.fields) do
    redis.call('HINCRBY', key, name, delta)
  end
  -- Decimal text with six digits is read and written as whole millionths: no rounding, whatever the order.
  local sum = string.gsub(redis.call('HGET', key, 'score_sum') or '0', '%.', '')
  local micros = tonumber(sum) + hash.micros
  local text = string.format('%d.%06d', math.floor(micros / 1000000), micros % 1000000)
  if hash.scored_at then
    redis.call('HSET', key, 'score_sum', text, 'updated_at', hash.scored_at)
  else  -- what a person says leaves it at when the last review was scored
    redis.call('HSET', key, 'score_sum', text)
  end
  if hash.campaign then  -- a campaign's products are found by these; members are never taken out, as hashes keep their zeros
    redis.call('ZADD', campaigns, 0, hash.campaign)
    redis.call('ZADD', campaigns .. ':' .. in_a_key(hash.campaign), 0, hash.member)
  end
  if hash.day then
    -- An absolute time: the same on every replay. One in the past deletes the hash at once, as it should.
    redis.call('EXPIREAT', key, math.max(1, (hash.day + 1 + retention) * SECONDS_A_DAY))
  end
end

-- A customer's strong negatives come from many products. Each member belongs to one review and is written as what it is now,
-- so it does not matter in which order products, and so partitions, are counted.
if next(strong_negatives) then
  local oldest = math.floor(tonumber(redis.call('TIME')[1]) / SECONDS_A_DAY) - customer_retention
  for customer, members in pairs(strong_negatives) do
    local key = customers .. ':' .. customer
    for member, day in pairs(members) do
      if day then
        redis.call('ZADD', key, day, member)
      else
        redis.call('ZREM', key, member)
      end
    end
    redis.call('ZREMRANGEBYSCORE', key, '-inf', oldest - 1)
    local latest = redis.call('ZREVRANGE', key, 0, 0, 'WITHSCORES')[2]
    if latest then
      redis.call('EXPIREAT', key, (tonumber(latest) + 1 + customer_retention) * SECONDS_A_DAY)
    end
    if redis.call('ZCARD', key) >= RISK_FROM then
      redis.call('ZADD', customers, latest, customer)
    else
      redis.call('ZREM', customers, customer)
    end
  end
  redis.call('ZREMRANGEBYSCORE', customers, '-inf', oldest - 1)
end

-- The sum of the applied offsets grows with every applied event: it orders the states of this product. A clock among them
-- never goes back.
local revision = 0
for _, offset in ipairs(redis.call('HVALS', applied)) do
  revision = revision + tonumber(offset) + 1
end
local ranked = redis.call('HMGET', product, 'reviews', 'positive', 'negative', 'strong_negative')
return {
  revision,
  tonumber(ranked[1] or 0),
  tonumber(ranked[2] or 0),
  tonumber(ranked[3] or 0),
  tonumber(ranked[4] or 0),
}

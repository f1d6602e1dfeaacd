-- One act of an agent on one review, decided in one step, by the server's clock.
--
-- KEYS: the claim, the product's places that are done.
-- ARGV: act ("claim", "done" or "back"), agent, place, milliseconds that a claim lasts, seconds that a place is remembered.
-- Returns: "yours", "taken" or "done"; who claims it now ("" for nobody), and for how many milliseconds more.
--
-- "done" and "back" are good for who has the claim, also after it ended as long as nobody else has taken it.

local claim, done = KEYS[1], KEYS[2]
local act, agent, place = ARGV[1], ARGV[2], ARGV[3]
local now = tonumber(redis.call('TIME')[1])

local known = redis.call('ZSCORE', done, place)
if known and tonumber(known) > now then
  return {'done', '', 0}
end

local holder = redis.call('GET', claim)
if holder and holder ~= agent then
  return {'taken', holder, redis.call('PTTL', claim)}
end

if act == 'claim' then
  redis.call('SET', claim, agent, 'PX', ARGV[4])
  return {'yours', agent, tonumber(ARGV[4])}
end

redis.call('DEL', claim)
if act == 'done' then
  redis.call('ZREMRANGEBYSCORE', done, '-inf', now)
  redis.call('ZADD', done, now + tonumber(ARGV[5]), place)
  redis.call('EXPIRE', done, ARGV[5])
end
return {'yours', '', 0}

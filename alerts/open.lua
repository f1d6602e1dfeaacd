-- Open an incident and put its alert into the outbox, in one step, unless it is open already.
--
-- KEYS: open, opened, due, bodies. ARGV: member, milliseconds since 1970, the same of the end of the quiet time, id, body,
--       the body without texts. Returns: 1 if it was opened.

local ends = redis.call('ZSCORE', KEYS[1], ARGV[1])
if ends and tonumber(ends) > tonumber(ARGV[2]) then
  return 0
end

for _, ended in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])) do
  redis.call('ZREM', KEYS[1], ended)
  redis.call('HDEL', KEYS[2], ended)
end

redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[6])
redis.call('HSET', KEYS[4], ARGV[4], ARGV[5])
redis.call('ZADD', KEYS[3], ARGV[2], ARGV[4])
return 1

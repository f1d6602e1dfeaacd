-- Take the alert that is due for longest, so that no other process takes it for a while.
--
-- KEYS: due, bodies, attempts. ARGV: milliseconds since 1970, milliseconds for which it is the caller's.
-- Returns: id, body, number of this attempt; nothing if none is due.

local id = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, 1)[1]
if not id then
  return nil
end

local body = redis.call('HGET', KEYS[2], id)
if not body then
  redis.call('ZREM', KEYS[1], id)
  return nil
end

redis.call('ZADD', KEYS[1], ARGV[1] + ARGV[2], id)
return {id, body, redis.call('HINCRBY', KEYS[3], id, 1)}

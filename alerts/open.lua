-- Open an incident and put its alert into the outbox, in one step, unless it is open already.
--
-- KEYS: the incident, due, bodies. ARGV: id, body, milliseconds of quiet, milliseconds since 1970.
-- Returns: 1 if it was opened.

if not redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3], 'NX') then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return 0
end

redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
return 1

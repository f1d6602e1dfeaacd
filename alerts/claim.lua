-- Let one process look, once in each interval.
--
-- KEYS: the latest looks. ARGV: rule, number of the interval. Returns: 1 if the look is the caller's.
-- Another number than the last is enough, also a lower one: a clock that was put right must not end all looks.

if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then
  return 0
end

redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1

-- Note that a rule holds, if its incident is open.
--
-- KEYS: open. ARGV: member, milliseconds since 1970, the same of the end of the quiet time that begins now.
-- Returns: 1 if the incident is open.

local ends = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not ends or tonumber(ends) <= tonumber(ARGV[2]) then
  return 0
end

redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return 1

-- Put keys in the place of others, or remove some, while nobody else writes.
--
-- KEYS: the generation of the rebuild, the generation of the live view, the state of the rebuild.
-- ARGV: generation as this rebuild knows it; what the state says from now on, "done" once this call completes the swap;
--       then pairs of keys: the one that moves ("" for none), and the one whose place it takes.
-- Returns: whether this rebuild may; if not, nothing was done.

local own, live, state = KEYS[1], KEYS[2], KEYS[3]

if redis.call('GET', own) ~= ARGV[1] then
  return 0
end

if redis.call('GET', live) ~= 'swapping' then
  redis.call('SET', live, 'swapping')
end
redis.call('HSET', state, 'swap', ARGV[2])

for i = 3, #ARGV, 2 do
  local from, to = ARGV[i], ARGV[i + 1]
  redis.call('UNLINK', to)  -- its memory is freed in the background, which RENAME alone would not do
  if from ~= '' and redis.call('EXISTS', from) == 1 then  -- the counts of a day may have expired just now
    redis.call('RENAME', from, to)
  end
end

if ARGV[2] == 'done' then
  redis.call('RENAME', own, live)
  redis.call('DEL', state)
end

return 1

-- Put keys in the place of others, or remove some, while nobody else writes.
--
-- KEYS: the state of the rebuild, the generation of the live view.
-- ARGV: who owns the rebuild as the caller knows it; what the state says from now on, "done" once this call completes the
--       swap; then pairs of keys: the one that moves ("" for none), and the one whose place it takes.
-- Returns: 1, or 0 if another rebuild took over, and nothing was done.

local state, generation = KEYS[1], KEYS[2]

if redis.call('HGET', state, 'owner') ~= ARGV[1] then
  return 0
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
  redis.call('SET', generation, ARGV[1])
  redis.call('DEL', state)
end

return 1

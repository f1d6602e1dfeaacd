-- Ask which commands this user may not run on which keys; nothing is read or written.
--
-- ARGV: how many commands, the commands, the keys. Returns: "COMMAND key" for each that is denied.

local denied = {}
local commands = tonumber(ARGV[1])

if redis.acl_check_cmd then -- Redis 7, Valkey 7.2
  for i = 2, commands + 1 do
    for j = commands + 2, #ARGV do
      if not redis.acl_check_cmd(ARGV[i], ARGV[j], '1', '1', '1') then
        table.insert(denied, ARGV[i] .. ' ' .. ARGV[j])
      end
    end
  end
end

return denied

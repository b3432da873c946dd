-- Makes a ticket the guard, unless another worker did so already. KEYS: guard, ticket. ARGV: the ticket's value, or the guard's that is expected.
if not current(ARGV[1]) then
  return {err = 'CLAIMSLOST the server was started again while the records were rebuilt'}
end
local guard = redis.call('GET', KEYS[1])
if guard == ARGV[1] then
  return 1
end
if guard or redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return {err = 'CLAIMSLOST the records were lost again while they were rebuilt'}
end
redis.call('RENAME', KEYS[2], KEYS[1])
return 1

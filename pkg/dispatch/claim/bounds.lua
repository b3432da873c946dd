-- Notes how far each queue was handed over when the records were lost. KEYS: guard, ticket, bounds. ARGV: the ticket's value, or the guard's where
-- this shard lost nothing; 1 where it lost its records; the bounds. Answers the bounds that count.
if not current(ARGV[1]) then
  return {err = 'CLAIMSLOST the server was started again while the records were rebuilt'}
end
local guard = redis.call('GET', KEYS[1])
if guard == ARGV[1] and ARGV[2] == '1' then
  return redis.call('GET', KEYS[3]) or '' -- another worker has rebuilt it
end
if guard ~= ARGV[1] and (guard or redis.call('GET', KEYS[2]) ~= ARGV[1]) then
  return {err = 'CLAIMSLOST the records were lost again while they were rebuilt'}
end
redis.call('SET', KEYS[3], ARGV[3])
return ARGV[3]

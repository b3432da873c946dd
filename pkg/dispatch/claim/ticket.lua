-- Stands before the script that rebuilds. KEYS[1] is the guard, KEYS[11] the ticket; ARGV[1] is what the ticket must be.
if not current(ARGV[1]) then
  return {err = 'CLAIMSLOST the server was started again while the records were rebuilt'}
end
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return 0 -- this shard lost nothing, or another worker has rebuilt it
end
if redis.call('GET', KEYS[11]) ~= ARGV[1] then
  return {err = 'CLAIMSLOST the ticket of the rebuilding is gone'}
end

-- Puts a machine in the place of another. KEYS: the machine. ARGV: what must be stored there, empty for nothing; what is to be; ms to keep it.
-- Answers 1, or 0 where it isn't so.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1

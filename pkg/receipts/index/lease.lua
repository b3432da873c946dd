-- Makes a worker the only one at something, for a time. KEYS: the lease. ARGV: the worker, the time in ms; 0: it is that no more. Answers 1, or 0
-- where another one is.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return 0
end
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return 1

-- Reads records. KEYS: the guard, then the records. ARGV: the guard's value. Answers the time in ms, then each record or nothing.
if redis.call('GET', KEYS[1]) ~= ARGV[1] or not current(ARGV[1]) then
  return {err = 'CLAIMSLOST the guard of the records is gone, or of an earlier run of the server'}
end
local time = redis.call('TIME')
local answer = redis.call('MGET', unpack(KEYS, 2))
table.insert(answer, 1, time[1] * 1000 + math.floor(time[2] / 1000))
return answer

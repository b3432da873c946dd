-- Takes the jobs that have no record yet. KEYS: the guard, then the records. ARGV: the guard's value, the lease in ms, the keep in ms of all or
-- '', then the records from the token on, then, where there is no common one, the keeps.
-- Answers the time in ms, then index and value of each record that stood already.
if redis.call('GET', KEYS[1]) ~= ARGV[1] or not current(ARGV[1]) then
  return {err = 'CLAIMSLOST the guard of the records is gone, or of an earlier run of the server'}
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local till = string.format('%013.0f', now + ARGV[2])
local n, common = #KEYS - 1, ARGV[3] ~= '' and ARGV[3]
local answer = {now}
for i = 1, n do
  local key = KEYS[i + 1]
  if not redis.call('SET', key, till .. ARGV[i + 3], 'PX', common or ARGV[n + i + 3], 'NX') then
    answer[#answer + 1] = i
    answer[#answer + 1] = redis.call('GET', key)
  end
end
return answer

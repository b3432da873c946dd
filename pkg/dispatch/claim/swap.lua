-- Takes over records that still are as they were read. KEYS: the guard, then the records. ARGV: the guard's value, the lease in ms, the keep in
-- ms of all or '', then of each record what was read and the new one from the token on, then, where there is no common one, the keeps.
-- Answers the time in ms, then the index of each record that changed meanwhile.
if redis.call('GET', KEYS[1]) ~= ARGV[1] or not current(ARGV[1]) then
  return {err = 'CLAIMSLOST the guard of the records is gone, or of an earlier run of the server'}
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local till = string.format('%013.0f', now + ARGV[2])
local n, common = #KEYS - 1, ARGV[3] ~= '' and ARGV[3]
local answer = {now}
for i = 1, n do
  local key, old, new = KEYS[i + 1], ARGV[2 * i + 2], ARGV[2 * i + 3]
  local stands = redis.call('GET', key)
  -- The second condition: an earlier try of the same call did it, and its answer was lost.
  if stands and (stands == old or string.sub(stands, 14) == new) then
    redis.call('SET', key, till .. new, 'PX', common or ARGV[2 * n + i + 3])
  else
    answer[#answer + 1] = i
  end
end
return answer

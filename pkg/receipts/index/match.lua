-- Finds the messages of receipts, and parks what is nobody's unless a better receipt is parked. KEYS: the index's state, then of each receipt, for each of its
-- names, the message's key and that of a parked receipt. ARGV: how long to park in ms, then of each receipt how many names it has, and the
-- receipt behind its rank. Answers of each which of its names found a message, 0 for none, and the message.
if redis.call('GET', KEYS[1]) ~= '1' then
  return {err = 'RECEIPTSUNFIT the index was lost, or is being made'}
end
local answer, k = {}, 2
for i = 1, (#ARGV - 1) / 2 do
  local names, receipt = tonumber(ARGV[2 * i]), ARGV[2 * i + 1]
  local which, message = 0, ''
  for n = 1, names do
    local found = redis.call('GET', KEYS[k + 2 * n - 2])
    if found then
      which, message = n, found
      break
    end
  end
  if which == 0 then
    for n = 1, names do
      local key = KEYS[k + 2 * n - 1]
      local old = redis.call('GET', key)
      if not old or string.sub(old, 1, 1) <= string.sub(receipt, 1, 1) then
        redis.call('SET', key, receipt, 'PX', ARGV[1])
      end
    end
  end
  answer[#answer + 1] = which
  answer[#answer + 1] = message
  k = k + 2 * names
end
return answer

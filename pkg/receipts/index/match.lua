-- Finds the messages of receipts, and parks what is nobody's unless a better receipt is parked. KEYS: the index's state, generations, forget, parked, the
-- generations. ARGV: the generations that are known, until when to park in ms, then of each receipt how many names it has, one or two, the receipt behind its
-- rank, and its names. Answers of each which of its names found a message, 0 for none, and the message.
if redis.call('GET', KEYS[1]) ~= '3' then
  return unfit
end
if turned(KEYS[2], ARGV[1]) then
  return again
end
local first, second, other, receipts, n, at = {}, {}, {}, {}, 0, 3 -- other: the place in second of a receipt's other name
while at < #ARGV do
  n = n + 1
  receipts[n], first[n] = ARGV[at + 1], ARGV[at + 2]
  other[n] = ARGV[at] == '2' and ARGV[at + 3]
  at = at + 2 + ARGV[at]
end
local found = find(5, first)
local whose = {}
for i = 1, n do
  if not found[i] and other[i] then
    second[#second + 1] = other[i]
    whose[#second] = i
  end
end
local late = #second > 0 and find(5, second) or {}
local answer, named = {}, {}
for i = 1, n do
  answer[2 * i - 1], answer[2 * i] = found[i] and 1 or 0, found[i] or ''
end
for j = 1, #second do
  if late[j] then
    answer[2 * whose[j] - 1], answer[2 * whose[j]] = 2, late[j]
  end
end
for i = 1, n do
  if answer[2 * i - 1] == 0 then
    for _, name in ipairs({first[i], other[i] or nil}) do
      local old = redis.call('HGET', KEYS[4], name)
      if not old or string.sub(old, 1, 1) <= string.sub(receipts[i], 1, 1) then
        redis.call('HSET', KEYS[4], name, receipts[i])
        named[#named + 1] = #name .. ':' .. name
      end
    end
  end
end
if #named > 0 then
  redis.call('ZADD', KEYS[3], ARGV[2], 'p' .. table.concat(named))
end
return answer

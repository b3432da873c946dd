-- Gives the messages that are to be asked about, and forgets what is to be forgotten. KEYS: the index's state, generations, due, forget, parked, the generations.
-- ARGV: the generations that are known, now in ms, how many messages at most, then the generations' numbers. Answers nothing while there is more to
-- forget or to unpack, else 1 and of each message its name, when it was due, and its entry.
if turned(KEYS[2], ARGV[1]) then
  return again
end
local due, forget, now = KEYS[3], KEYS[4], tonumber(ARGV[2])

-- Whether the index is whole or not: generations that are over, delivered messages, and parked receipts: <rank><until> ...
for i = 4, #ARGV do
  if tonumber(redis.call('ZSCORE', KEYS[2], ARGV[i])) <= now then
    redis.call('UNLINK', KEYS[i + 2])
    redis.call('ZREM', KEYS[2], ARGV[i])
  end
end
local over = redis.call('ZRANGEBYSCORE', forget, '-inf', ARGV[2], 'LIMIT', 0, 2)
for _, packet in ipairs(over) do
  if string.sub(packet, 1, 1) == 'p' then
    local names = unpacked(packet, 2)
    local parked = redis.call('HMGET', KEYS[5], unpack(names))
    for i, name in ipairs(names) do
      local ends = string.match(parked[i] or '', '^%d(%d+) ')
      if ends and tonumber(ends) <= now then
        redis.call('HDEL', KEYS[5], name)
      end
    end
  else
    local names = unpacked(packet, 1)
    local entries, places = find(6, names)
    for i, name in ipairs(names) do
      local ends = string.match(entries[i] or '', '^d%d+ (%d+) ')
      if ends and tonumber(ends) <= now and redis.call('HDEL', KEYS[places[i]], name) == 1 then
        redis.call('HINCRBY', KEYS[places[i]], 'o', -1)
      end
    end
  end
  redis.call('ZREM', forget, packet)
end
if #over > 0 then
  return {}
end

if redis.call('GET', KEYS[1]) ~= '3' then
  return unfit
end
local members = redis.call('ZRANGEBYSCORE', due, '-inf', ARGV[2], 'WITHSCORES', 'LIMIT', 0, ARGV[3])
local names, scores, handled = {}, {}, 0
for i = 1, #members, 2 do
  local member = members[i]
  local first = string.sub(member, 1, 1)
  if first == 'i' or first == 'c' then
    names[#names + 1], scores[#scores + 1] = member, members[i + 1]
  elseif handled < 1000 then -- a packet: what of it still waits is noted by its own time
    local inside = unpacked(member, 1)
    local entries = find(6, inside)
    for k, name in ipairs(inside) do
      local at = string.match(entries[k] or '', '^w%d+ (%d+) ')
      if at then
        redis.call('ZADD', due, 'NX', at, name)
      end
    end
    redis.call('ZREM', due, member)
    handled = handled + #inside
  end
end
if handled > 0 then
  return {}
end
local answer = {1}
if #names > 0 then
  local entries = find(6, names)
  for i, name in ipairs(names) do
    if string.sub(entries[i] or '', 1, 1) == 'w' then
      answer[#answer + 1], answer[#answer + 2], answer[#answer + 3] = name, scores[i], entries[i]
    else
      redis.call('ZREM', due, name)
    end
  end
end
return answer

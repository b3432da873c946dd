-- Notes what was told of messages. KEYS: the index's state, ask, then the messages. ARGV: of each its epoch, its sequence, the entry, how long it lives in ms,
-- its name in ask, and when to ask in ms or '' for never.
if not redis.call('GET', KEYS[1]) then
  return {err = 'RECEIPTSUNFIT the index is gone'}
end
for i = 1, #KEYS - 2 do
  local key, at = KEYS[i + 2], 6 * i - 5
  local epoch, sequence = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local old = redis.call('GET', key)
  local e, s
  if old then
    e, s = string.match(old, '^(%d+) (%d+) ')
    e, s = tonumber(e), tonumber(s)
  end
  if not e or e < epoch or e == epoch and s <= sequence then
    redis.call('SET', key, ARGV[at + 2], 'PX', ARGV[at + 3])
    if ARGV[at + 5] ~= '' then
      redis.call('ZADD', KEYS[2], ARGV[at + 5], ARGV[at + 4])
    else
      redis.call('ZREM', KEYS[2], ARGV[at + 4])
    end
  end
end
return 0

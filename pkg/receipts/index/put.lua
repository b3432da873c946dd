-- Puts entries in the place of earlier ones, which begin with their epoch and sequence. KEYS: ask, the messages. ARGV: of each the entry, how long it lives
-- in ms, its name in ask, and when to ask in ms or ''.
for i = 1, #KEYS - 1 do
  local key, entry, life, name, at = KEYS[i + 1], ARGV[4 * i - 3], ARGV[4 * i - 2], ARGV[4 * i - 1], ARGV[4 * i]
  local old = redis.call('GET', key)
  local e, s
  if old then
    e, s = string.match(old, '^(%d+) (%d+) ')
    e, s = tonumber(e), tonumber(s)
  end
  local epoch, sequence = string.match(entry, '^(%d+) (%d+) ')
  epoch, sequence = tonumber(epoch), tonumber(sequence)
  local same = e == epoch and s == sequence
  if not e or e < epoch or e == epoch and s < sequence then
    redis.call('SET', key, entry, 'PX', life)
    if at ~= '' then
      redis.call('ZADD', KEYS[1], at, name)
    end
    same = true
  end
  if same and at == '' then
    redis.call('ZREM', KEYS[1], name)
  end
end
return 0

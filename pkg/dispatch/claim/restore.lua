-- Writes rebuilt records, where there is none or one that is behind: the server forgot what came after it. KEYS: the guard, the ticket, then the records. ARGV: the ticket's value, then of
-- each job its epoch, its sequence, the whole record and its keep in ms. Answers how many it wrote.
if not current(ARGV[1]) then
  return {err = 'CLAIMSLOST the server was started again while the records were rebuilt'}
end
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return 0 -- this shard lost nothing, or another worker has rebuilt it
end
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return {err = 'CLAIMSLOST the ticket of the rebuilding is gone'}
end
local wrote = 0
for i = 1, #KEYS - 2 do
  local key, epoch, sequence = KEYS[i + 2], tonumber(ARGV[4 * i - 2]), tonumber(ARGV[4 * i - 1])
  local old = redis.call('GET', key)
  local write = not old
  if old then
    local e, s = string.match(old, '^[^;]*;%a(%d+) %d+ %d+ (%d+) ')
    e, s = tonumber(e), tonumber(s)
    -- At the same event, that the message may be out outweighs that nothing is known of it.
    local graver = string.find(old, '^~;[cC]', 14) and string.find(ARGV[4 * i], '^~;[sS]', 14)
    write = e and (e < epoch or e == epoch and (s < sequence or s == sequence and graver))
  end
  if write then
    redis.call('SET', key, ARGV[4 * i], 'PX', ARGV[4 * i + 1])
    wrote = wrote + 1
  end
end
return wrote

-- Adds messages to an account's index. KEYS: position, newest, ask, then of each message its own key and that of its parked receipt. ARGV: the
-- position expected, the one to be, when the newest was submitted in ms or '', then of each its epoch, its sequence, the entry, how long it lives
-- in ms, its name in ask, and when to ask in ms or ''. Answers the parked receipts; the position isn't moved where there are any.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return {err = 'RECEIPTSUNFIT the index is not where it was left'}
end
local newest = redis.call('GET', KEYS[2])
if ARGV[3] ~= '' and (not newest or tonumber(newest) < tonumber(ARGV[3])) then
  redis.call('SET', KEYS[2], ARGV[3])
end
local parked = {}
for i = 1, (#KEYS - 3) / 2 do
  local key, at = KEYS[2 * i + 2], 6 * i - 2
  local epoch, sequence = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local old = redis.call('GET', key)
  local write = not old
  if old then
    local e, s = string.match(old, '^(%d+) (%d+) ')
    e, s = tonumber(e), tonumber(s)
    write = e and (e < epoch or e == epoch and s < sequence)
  end
  if write then
    redis.call('SET', key, ARGV[at + 2], 'PX', ARGV[at + 3])
    if ARGV[at + 5] ~= '' then
      redis.call('ZADD', KEYS[3], ARGV[at + 5], ARGV[at + 4])
    elseif old then
      redis.call('ZREM', KEYS[3], ARGV[at + 4])
    end
  end
  local receipt = redis.call('GET', KEYS[2 * i + 3])
  if receipt then
    parked[#parked + 1] = receipt
  end
end
if #parked == 0 and ARGV[1] ~= ARGV[2] then
  redis.call('SET', KEYS[1], ARGV[2])
end
return parked

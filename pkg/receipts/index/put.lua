-- Adds messages to an account's index. KEYS: newest, ask, the messages, then the receipts that may be parked for them, in the same order. ARGV: when the
-- newest was submitted in ms or '', then of each message the entry, which begins with its epoch and sequence, how long it lives in ms, its name in
-- ask, and when to ask in ms or ''. Answers the parked receipts.
local newest = redis.call('GET', KEYS[1])
if ARGV[1] ~= '' and (not newest or tonumber(newest) < tonumber(ARGV[1])) then
  redis.call('SET', KEYS[1], ARGV[1])
end
local n = (#KEYS - 2) / 2
local ask, forget, parked = {}, {}, {}
for i = 1, n do
  local key, entry, life, name, at = KEYS[i + 2], ARGV[4 * i - 2], ARGV[4 * i - 1], ARGV[4 * i], ARGV[4 * i + 1]
  local write = redis.call('SET', key, entry, 'PX', life, 'NX')
  if not write then
    local e, s = string.match(redis.call('GET', key), '^(%d+) (%d+) ')
    local epoch, sequence = string.match(entry, '^(%d+) (%d+) ')
    e, s, epoch, sequence = tonumber(e), tonumber(s), tonumber(epoch), tonumber(sequence)
    write = e and (e < epoch or e == epoch and s < sequence)
    if write then
      redis.call('SET', key, entry, 'PX', life)
      if at == '' then
        forget[#forget + 1] = name
      end
    end
  end
  if write and at ~= '' then
    ask[#ask + 1] = at
    ask[#ask + 1] = name
  end
end
if #ask > 0 then
  redis.call('ZADD', KEYS[2], unpack(ask))
end
if #forget > 0 then
  redis.call('ZREM', KEYS[2], unpack(forget))
end
for _, receipt in ipairs(redis.call('MGET', unpack(KEYS, n + 3))) do
  if receipt then
    parked[#parked + 1] = receipt
  end
end
return parked

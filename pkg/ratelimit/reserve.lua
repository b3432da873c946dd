-- Takes tokens of several limits, all or nothing.
-- KEYS: the buckets of the limits, then their blocks. ARGV: tokens, the longest wait in µs, then rate (per second) and burst of each limit.
-- A bucket is "<time> <level> <since> <low> <before>", see bucket.go. Answers {taken, wait in µs, blocked}.
local n, patience = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local count = #KEYS / 2
local held = redis.call('MGET', unpack(KEYS))
local good, blocked, buckets = now, 0, {}

for i = 1, count do
  local rate, burst = ARGV[2 * i + 1] / 1000000, tonumber(ARGV[2 * i + 2])
  local b = {rate = rate, burst = burst}
  if held[i] then
    local t, level, since, low, before = string.match(held[i], '^(%S+) (%S+) (%S+) (%S+) (%S+)$')
    b.time, b.level = tonumber(t), tonumber(level)
    b.since, b.low, b.before = tonumber(since), tonumber(low), tonumber(before)
    good = math.max(good, b.time + math.ceil((b.level + n - burst) / rate))
  end
  buckets[i] = b
  local till = held[count + i] and tonumber(held[count + i]) or 0
  if till > now then
    blocked = 1
    good = math.max(good, till)
  end
end

if good - now > patience then
  return {0, good - now - patience, blocked}
end

local window = 30000000
for i = 1, count do
  local b = buckets[i]
  local level = 0
  if b.time then
    level = math.max(0, b.level - b.rate * (good - b.time))
  end
  if not b.time or good - b.time >= window then
    b.since, b.low, b.before = good, b.burst, b.burst
  elseif good >= b.time then
    if good - b.since >= window then
      b.since, b.low, b.before = good, level, b.low
    else
      b.low = math.min(b.low, level)
    end
  end
  level = level + n
  local life = math.ceil((good - now + window + level / b.rate) / 1000) + 1000
  redis.call('SET', KEYS[i], string.format('%.0f %.17g %.0f %.17g %.17g', good, level, b.since, b.low, b.before),
    'PX', string.format('%.0f', life))
end
return {1, good - now, 0}

-- Gives tokens back to several limits.
-- KEYS: their buckets. ARGV: tokens, then the rate (per second) of each limit.
local n = tonumber(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local window = 30000000
for i = 1, #KEYS do
  local held = redis.call('GET', KEYS[i])
  if held then
    local rate = ARGV[i + 1] / 1000000
    local t, level, since, low, before = string.match(held, '^(%S+) (%S+) (%S+) (%S+) (%S+)$')
    t, level, low, before = tonumber(t), tonumber(level), tonumber(low), tonumber(before)
    if now > t then
      t, level = now, math.max(0, level - rate * (now - t))
    end
    local back = math.min(n, low, before, level)
    level = level - back
    local life = math.ceil((t - now + window + level / rate) / 1000) + 1000
    redis.call('SET', KEYS[i], string.format('%.0f %.17g %s %.17g %.17g', t, level, since, low - back, before - back),
      'PX', string.format('%.0f', life))
  end
end
return 1

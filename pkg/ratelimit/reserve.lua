-- Takes tokens of several limits, all or nothing, and gives a turn.
-- KEYS: the buckets of the limits, then their blocks, then their turns. ARGV: tokens, the longest wait in µs, who asks for a turn (empty: nobody does),
-- 1 where it wants one even though the tokens are taken, then rate (per second) and burst of each limit.
-- A bucket is "<time> <level> <since> <low> <before>", see bucket.go; turns are "<time> <tokens> <caller> …", see turns.go.
-- Answers {taken, wait in µs, blocked, µs until the turn}.
local n, patience, caller = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local count = #KEYS / 3
local held = redis.call('MGET', unpack(KEYS))
local good, blocked, buckets = now, 0, {}

for i = 1, count do
  local rate, burst = ARGV[2 * i + 3] / 1000000, tonumber(ARGV[2 * i + 4])
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

local taken = good - now <= patience
local after = good -- when as many tokens again are good
if taken then
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
    after = math.max(after, good + math.ceil((level + n - b.burst) / b.rate))
  end
end

local turn = now
if caller ~= '' then
  local lead = math.floor(patience / 2)
  local wants = not taken or ARGV[4] == '1'
  local lines = {}
  for i = 1, count do
    local line = {}
    for at, tokens, who in string.gmatch(held[2 * count + i] or '', '(%S+) (%S+) (%S+)') do
      if who ~= caller and tonumber(at) >= now - lead then
        line[#line + 1] = {at = tonumber(at), tokens = tonumber(tokens), who = who}
      end
    end
    lines[i] = line
    if wants then
      local rate = buckets[i].rate
      local free, half = math.max(now, after - lead), n / rate / 2
      for _, other in ipairs(line) do
        if other.at >= free + half then
          break
        end
        free = free + other.tokens / rate
      end
      turn = math.max(turn, math.ceil(free))
    end
  end
  for i, line in ipairs(lines) do
    if wants then
      local place = 1
      while line[place] and line[place].at <= turn do
        place = place + 1
      end
      table.insert(line, place, {at = turn, tokens = n, who = caller})
    end
    local key = KEYS[2 * count + i]
    if #line > 0 then
      local words = {}
      for j, t in ipairs(line) do
        words[j] = string.format('%.0f %.0f %s', t.at, t.tokens, t.who)
      end
      redis.call('SET', key, table.concat(words, ' '), 'PX', string.format('%.0f', math.ceil((line[#line].at - now + lead) / 1000) + 1))
    elseif held[2 * count + i] then
      redis.call('DEL', key)
    end
  end
end

if taken then
  return {1, good - now, 0, turn - now}
end
return {0, good - now - patience, blocked, turn - now}

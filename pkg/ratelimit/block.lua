-- Blocks a key for a time, never for less than it is blocked already. KEYS: the block. ARGV: µs.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local till = now + ARGV[1]
local held = redis.call('GET', KEYS[1])
if not held or tonumber(held) < till then
  redis.call('SET', KEYS[1], string.format('%.0f', till), 'PX', string.format('%.0f', math.ceil(ARGV[1] / 1000) + 1))
end
return 1

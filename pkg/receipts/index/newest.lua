-- Notes when the newest message was submitted, in ms. KEYS: it. ARGV: when one was.
local newest = redis.call('GET', KEYS[1])
if not newest or tonumber(newest) < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], ARGV[1])
end
return 0

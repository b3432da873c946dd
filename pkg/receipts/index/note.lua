-- Notes what was just written of a packet whose messages wait. KEYS: the index's newest, generations, due, parked, the messages' generation. ARGV: until when what
-- was written must live in ms, and when Redis is to delete it by itself; the newest submission in ms, or 0; the packet, and when to ask about it in ms. Answers the
-- receipts that are parked for them.
lives(KEYS[2], KEYS[5], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[3], 'LT', ARGV[5], ARGV[4]) -- unpacked too early, they are noted by their own times
submitted(KEYS[1], ARGV[3])
local parked = {}
if redis.call('EXISTS', KEYS[4]) == 1 then
  for _, receipt in ipairs(redis.call('HMGET', KEYS[4], unpack(unpacked(ARGV[4], 1)))) do
    parked[#parked + 1] = receipt or nil
  end
end
return parked

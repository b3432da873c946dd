-- Makes an index whole. KEYS: its state. ARGV: the ticket of who made it.
local state = redis.call('GET', KEYS[1])
if state == '3' or state == ARGV[1] then -- an earlier try did it, and its answer was lost
  redis.call('SET', KEYS[1], '3')
  return 1
end
return {err = 'RECEIPTSUNFIT the index was lost, or begun once more, while it was made'}

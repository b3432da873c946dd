-- Reads the guard; where there is none, hands out a ticket to rebuild. KEYS: guard, ticket, of the first shard the bounds. ARGV: a new ticket's
-- random part. Answers {guard or '', ticket or '', bounds or ''}.
local guard = redis.call('GET', KEYS[1])
if guard then
  return {guard, '', KEYS[3] and redis.call('GET', KEYS[3]) or ''}
end
local time = redis.call('TIME')
redis.call('SET', KEYS[2], ARGV[1] .. '.' .. time[1] .. string.format('%03d', math.floor(time[2] / 1000)), 'NX')
return {'', redis.call('GET', KEYS[2]), ''}

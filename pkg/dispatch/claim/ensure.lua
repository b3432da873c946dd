-- Reads the guard; where there is none, or one of an earlier run of the server, hands out a ticket to rebuild. KEYS: guard, ticket, of the first shard
-- the bounds. ARGV: a new ticket's random part and the length of its terms, in ms. Answers {guard or '', ticket or '', bounds or ''}.
local guard = redis.call('GET', KEYS[1])
if guard and current(guard) then
  return {guard, '', KEYS[3] and redis.call('GET', KEYS[3]) or ''}
end
redis.call('DEL', KEYS[1])
local ticket = redis.call('GET', KEYS[2])
if not ticket or not current(ticket) then
  local time = redis.call('TIME')
  ticket = ARGV[1] .. '.' .. ARGV[2] .. '.' .. time[1] .. string.format('%03d', math.floor(time[2] / 1000)) .. '.' .. run()
  redis.call('SET', KEYS[2], ticket)
end
return {'', ticket, ''}

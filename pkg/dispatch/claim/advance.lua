-- Carries records on that still are as they were read. KEYS: the guard, then the records. ARGV: the guard's value, the keep in ms of those that are
-- new, then of each what was read, '' for none, and the whole new record. Answers the index of each record that changed meanwhile.
if redis.call('GET', KEYS[1]) ~= ARGV[1] or not current(ARGV[1]) then
  return {err = 'CLAIMSLOST the guard of the records is gone, or of an earlier run of the server'}
end
local changed = {}
for i = 1, #KEYS - 1 do
  local key, old, new = KEYS[i + 1], ARGV[2 * i + 1], ARGV[2 * i + 2]
  local stands = redis.call('GET', key) or ''
  if stands ~= old then
    changed[#changed + 1] = i
  elseif old == '' then
    redis.call('SET', key, new, 'PX', ARGV[2])
  else
    redis.call('SET', key, new, 'KEEPTTL')
  end
end
return changed

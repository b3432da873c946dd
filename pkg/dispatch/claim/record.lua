-- Writes the new state of claimed jobs. KEYS: the guard, then the records. ARGV: the guard's value, the keep in ms of all or '', then of each
-- job the token of its claim and the whole new record, then, where there is no common one, the keeps.
-- Answers the index of each job that somebody else took over.
if redis.call('GET', KEYS[1]) ~= ARGV[1] or not current(ARGV[1]) then
  return {err = 'CLAIMSLOST the guard of the records is gone, or of an earlier run of the server'}
end
local n, common = #KEYS - 1, ARGV[2] ~= '' and ARGV[2]
local stand = redis.call('MGET', unpack(KEYS, 2))
local refused = {}
for i = 1, n do
  local old, token, new = stand[i], ARGV[2 * i + 1], ARGV[2 * i + 2]
  -- No record: it was lost with all others, and who holds the claim knows best. The same holds for a rebuilt one that tells of no end.
  -- The new record already: an earlier try wrote it, and its answer was lost.
  if not old or string.sub(old, 14, 13 + #token) == token or old == new or string.find(old, '^~;[cswCSW]', 14) then
    redis.call('SET', KEYS[i + 1], new, 'PX', common or ARGV[2 * n + i + 2])
  else
    refused[#refused + 1] = i
  end
end
return refused

-- Writes the new state of claimed jobs, one by one. ARGV: from 3 on the keep in ms of all or '', then of each job its field, the token of its claim and the whole
-- new record, then, where there is no common one, the keeps.
-- Answers the index of each job that somebody else took over.
local common = ARGV[3] ~= '' and ARGV[3]
local n = (#ARGV - 3) / (common and 3 or 4)
local fields = {}
for i = 1, n do
  fields[i] = ARGV[3 * i + 1]
end
find(fields)
local refused = {}
for i = 1, n do
  local old, token, new = get(fields[i]), ARGV[3 * i + 2], ARGV[3 * i + 3]
  -- No record: it was lost with all others, and who holds the claim knows best. The same holds for a rebuilt one that tells of no end.
  if not old or string.sub(old, 14, 13 + #token) == token or string.find(old, '^~;[cswCSW]', 14) then
    put(fields[i], new, common or ARGV[3 * n + i + 3])
  elseif old ~= new then -- else an earlier try wrote it, and its answer was lost
    refused[#refused + 1] = i
  end
end
done()
return refused

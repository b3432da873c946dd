-- Takes over records that still are as they were read. ARGV: from 3 on the lease in ms, the keep in ms of all or '', then of each job its field, what was read
-- and the new record from the token on, then, where there is no common one, the keeps.
-- Answers the time in ms, then the index of each record that changed meanwhile.
local till = string.format('%013.0f', now + ARGV[3])
local common = ARGV[4] ~= '' and ARGV[4]
local n = (#ARGV - 4) / (common and 3 or 4)
local fields = {}
for i = 1, n do
  fields[i] = ARGV[3 * i + 2]
end
find(fields)
local answer = {now}
for i = 1, n do
  local stands, old, new = get(fields[i]), ARGV[3 * i + 3], ARGV[3 * i + 4]
  -- The second condition: an earlier try of the same call did it, and its answer was lost.
  if stands and (stands == old or string.sub(stands, 14) == new) then
    put(fields[i], till .. new, common or ARGV[3 * n + i + 4])
  else
    answer[#answer + 1] = i
  end
end
done()
return answer

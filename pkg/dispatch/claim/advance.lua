-- Carries records on that still are as they were read; they live as long as before. ARGV: from 3 on the keep in ms of those that are new, then of each its field, what was
-- read, '' for none or the pointer where there was one, and the whole new record. Answers the index of each record that changed meanwhile.
local n, fields = (#ARGV - 3) / 3, {}
for i = 1, n do
  fields[i] = ARGV[3 * i + 1]
end
find(fields)
local changed = {}
for i = 1, n do
  local old = ARGV[3 * i + 2]
  local stands = string.byte(old) == 64 and value[fields[i]] or get(fields[i]) or ''
  if stands ~= old then
    changed[#changed + 1] = i
  else
    put(fields[i], ARGV[3 * i + 3], old == '' and ARGV[3] or nil)
  end
end
done()
return changed

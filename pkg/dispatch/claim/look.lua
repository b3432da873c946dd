-- Reads records. ARGV: from 3 on the fields. Answers the time in ms, then nothing, each record, or where it lies in a page that isn't written any more, the
-- pointer to it and the record.
local fields = {unpack(ARGV, 3)}
find(fields)
local answer = {now}
for i = 1, #fields do
  local v, record = value[fields[i]], get(fields[i])
  if record and record ~= v and string.byte(record, 14) == 59 then -- nobody's: it is recorded
    record = {v, record}
  end
  answer[i + 1] = record or false
end
return answer

-- Reads records. ARGV: from 3 on the fields. Answers the time in ms, then each record or nothing.
local fields = {unpack(ARGV, 3)}
find(fields)
local answer = {now}
for i = 1, #fields do
  answer[i + 1] = get(fields[i]) or false
end
return answer

-- Writes rebuilt records, where there is none or one that is behind: the server forgot what came after it. ARGV: from 3 on, of each job its field, its epoch, its
-- sequence, the whole record and its keep in ms. Answers how many it wrote.
local n, fields = (#ARGV - 2) / 5, {}
for i = 1, n do
  fields[i] = ARGV[5 * i - 2]
end
find(fields)
local wrote = 0
for i = 1, n do
  local epoch, sequence, new = tonumber(ARGV[5 * i - 1]), tonumber(ARGV[5 * i]), ARGV[5 * i + 1]
  local old = get(fields[i])
  local write = not old
  if old then
    local e, s = string.match(old, '^[^;]*;%a(%d+) %d+ %d+ (%d+) ')
    e, s = tonumber(e), tonumber(s)
    -- At the same event, that the message may be out outweighs that nothing is known of it.
    local graver = string.find(old, '^~;[cC]', 14) and string.find(new, '^~;[sS]', 14)
    write = e and (e < epoch or e == epoch and (s < sequence or s == sequence and graver))
  end
  if write then
    put(fields[i], new, ARGV[5 * i + 2])
    wrote = wrote + 1
  end
end
done()
return wrote

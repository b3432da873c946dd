-- Writes the new state of claimed jobs, page by page: of all that were claimed in a page. ARGV: from 3 on the keep in ms of all, the field of the pages' sheaf, the
-- front of its tokens, then of each page its number and its new text.
-- Answers the index of each page that isn't any more as it was claimed, or can't live so long: its jobs are to be written one by one.
local key = house(ARGV[3])
local name, sheaf = ARGV[4], redis.call('HGET', key, ARGV[4])
local ours = sheaf and string.match(sheaf, ' (.*)$') == ARGV[5] -- sheaves are counted anew where the server forgot some
local new, refused = {}, {}
for i = 6, #ARGV, 2 do
  local number = ARGV[i]
  if ours and string.byte(sheaf, 14 + number) == 48 then -- 0
    new[#new + 1] = name .. '.' .. number
    new[#new + 1] = ARGV[i + 1]
    sheaf = string.sub(sheaf, 1, 13 + number) .. '1' .. string.sub(sheaf, 15 + number)
  else
    refused[#refused + 1] = i / 2 - 2
  end
end
if #new > 0 then
  redis.call('HSET', key, name, sheaf, unpack(new))
end
return refused

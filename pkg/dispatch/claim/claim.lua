-- Takes the jobs that have no record yet. ARGV: from 3 on the lease in ms, the keep in ms of all or '', the front of all their tokens, the number of jobs, their
-- fields, then their records, as they stand in a page, eight by eight, then, where there is no common one, the keeps.
-- Answers the time in ms, the number of the sheaf, 0 for none, then index and record of each job that had one already.
local till = string.format('%013.0f', now + ARGV[3])
local common, front, n = ARGV[4] ~= '' and ARGV[4], ARGV[5], tonumber(ARGV[6])
local fields, sheets = {unpack(ARGV, 7, 6 + n)}, math.ceil(n / size)
local places = {'.0', '.1', '.2', '.3', '.4', '.5', '.6', '.7'}
find(fields)
local key, sheaf = nil, 0
if common and n >= size then -- fewer are no sheaf
  key = house(common)
  sheaf = redis.call('HINCRBY', key, '@', 1)
end

local name = '@' .. string.format('%.0f', sheaf)
local stood, single, new, count -- indices; records by index; fields and values to be written, and their number

local function arrange(paged)
  stood, single, new, count = {}, {}, {}, 0
  local untouched = ''
  for sheet = 1, sheets do
    local first, last, page = size * (sheet - 1) + 1, math.min(size * sheet, n), ARGV[6 + n + sheet]
    local whole = paged and last - first + 1 == size
    for i = first, last do
      whole = whole and not value[fields[i]]
    end
    -- All jobs of a page were taken in it. The others, and those of different keeps, stand for themselves.
    if whole then
      local id = name .. '.' .. string.format('%.0f', sheet - 1)
      for i = first, last do
        new[count + 1], new[count + 2], count = fields[i], id .. places[i - first + 1], count + 2
      end
      new[count + 1], new[count + 2], count = id, page, count + 2
      untouched = untouched .. '0'
    else
      untouched = untouched .. '1'
      for i = first, last do
        if value[fields[i]] then
          stood[#stood + 1] = i
        else
          local head, record = part(page, i - first)
          single[i] = till .. front .. string.sub(head, 2) .. record
        end
      end
    end
  end
  if count > 0 then
    new[count + 1], new[count + 2], count = name, till .. untouched .. ' ' .. front, count + 2
  end
end

arrange(key)
if count > 0 and redis.call('HSET', key, unpack(new)) < count / 2 then -- a job is in the batch twice
  for k = 1, count, 2 do
    redis.call('HDEL', key, new[k])
  end
  arrange(false)
end
local keeps = 6 + n + sheets
for i = 1, n do
  local field = fields[i]
  if single[i] then
    if count > 0 and not value[field] then -- it may be in a page of this batch
      value[field], home[field] = redis.call('HGET', key, field), key
    end
    if value[field] then
      stood[#stood + 1] = i
    else
      home[field] = nil
      put(field, single[i], common or ARGV[keeps + i])
    end
  end
end
done()
local answer = {now, sheaf}
for _, i in ipairs(stood) do
  answer[#answer + 1] = i
  answer[#answer + 1] = get(fields[i])
end
return answer

-- Writes entries unless a later one stands, or the same one and the new one waits. Each goes where its message stands, a new one to its own generation. KEYS: the
-- index's state, newest, generations, due, forget, parked, the entries' own generation, then the others to look in. ARGV: where the state must be there 's'; the
-- generations that are known, or 'own' where only their own matters; until when what is written must live in ms, and when Redis is to delete it by itself;
-- the newest submission in ms, or 0; their kind, 'w' or another; the packet to note in due or forget, or '', and when in ms; then of each its name and its entry. Answers
-- the receipts that are parked for them.
local head = 8
local waits, n = ARGV[6] == 'w', (#ARGV - head) / 2
if ARGV[1] == 's' and redis.call('EXISTS', KEYS[1]) == 0 then
  return unfit
end
if ARGV[2] ~= 'own' and turned(KEYS[3], ARGV[2]) then
  return again
end

-- wrote notes how many more messages of a generation wait no more, and that it lives as long as what was written there.
local function wrote(place, more)
  if more ~= 0 then
    redis.call('HINCRBY', KEYS[place], 'o', more)
  end
  lives(KEYS[3], KEYS[place], ARGV[3], ARGV[4])
end

-- over writes those among names that are later than what stands.
local function over(names, entries, places)
  local sub, find, byte = string.sub, string.find, string.byte
  local stands, lies, sets, more, done = {}, {}, {}, {}, {}
  for i = 1, n do
    stands[names[i]], lies[names[i]] = entries[i], places[i]
  end
  for i = 1, n do
    local name, entry = names[i], ARGV[head + 2 * i]
    local old, place = stands[name], lies[name] or 7
    local write, less = true, 0 -- of those that wait no more
    if old then
      local was = sub(old, 2, find(old, ' ', 2, true) - 1)
      local is = sub(entry, 2, find(entry, ' ', 2, true) - 1)
      write = was < is or was == is and not waits
      less = byte(old) == 119 and 0 or 1 -- w
    end
    if write then
      local set = sets[place] or {}
      sets[place] = set
      set[#set + 1] = name
      set[#set + 1] = entry
      more[place] = (more[place] or 0) + (waits and 0 or 1) - less
      stands[name], lies[name] = entry, place
      done[#done + 1] = name
    end
  end
  for place, set in pairs(sets) do
    redis.call('HSET', KEYS[place], unpack(set))
    wrote(place, more[place])
  end
  if #done > 0 then
    redis.call('ZREM', KEYS[4], unpack(done)) -- their packet tells when to ask now
  end
  return #done
end

local names = {}
for i = 1, n do
  names[i] = ARGV[head + 2 * i - 1]
end
local entries, places = find(7, names)
local written = n
if next(entries) == nil and redis.call('HSET', KEYS[7], unpack(ARGV, head + 1)) == n then
  wrote(7, waits and 0 or n)
else -- some stand, or are of one name
  written = over(names, entries, places)
end
if written > 0 and ARGV[7] ~= '' then
  if waits then -- unpacked too early, they are noted by their own times
    redis.call('ZADD', KEYS[4], 'LT', ARGV[8], ARGV[7])
  else
    redis.call('ZADD', KEYS[5], 'GT', ARGV[8], ARGV[7])
  end
end
submitted(KEYS[2], ARGV[5])
local parked = {}
if ARGV[1] ~= 's' and redis.call('EXISTS', KEYS[6]) == 1 then
  local found = redis.call('HMGET', KEYS[6], unpack(names))
  for i = 1, n do
    parked[#parked + 1] = found[i] or nil
  end
end
return parked

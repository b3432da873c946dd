-- What the scripts about messages begin with. An entry is <kind><version> <time> ...; its kind is w (it waits), t (told) or d (delivered), versions compare
-- as texts. The generations are the KEYS from a place on, those to be looked in first at the front.

-- find gives of each name its entry and the place of its generation among KEYS; nil where there is none.
local function find(first, names)
  local entries, places, left = {}, {}, #names
  for place = first, #KEYS do
    local asked, who = names, nil
    if left < #names then
      asked, who = {}, {}
      for i = 1, #names do
        if not entries[i] then
          asked[#asked + 1], who[#who + 1] = names[i], i
        end
      end
    end
    local found = redis.call('HMGET', KEYS[place], unpack(asked))
    for j = 1, #asked do
      if found[j] then
        local i = who and who[j] or j
        entries[i], places[i], left = found[j], place, left - 1
      end
    end
    if left == 0 then
      break
    end
  end
  return entries, places
end

-- unpacked gives the names in a packet from a place on: each behind its length and a colon.
local function unpacked(packet, at)
  local names = {}
  while at <= #packet do
    local colon = string.find(packet, ':', at, true)
    local length = tonumber(string.sub(packet, at, colon - 1))
    names[#names + 1] = string.sub(packet, colon + 1, colon + length)
    at = colon + length + 1
  end
  return names
end

-- lives notes that a generation lives until a time in ms at least, and that Redis deletes it at another one.
local function lives(generations, generation, ends, deletes)
  local number = string.match(generation, '%-?%d+$')
  local known = redis.call('ZSCORE', generations, number)
  if not known or tonumber(known) < tonumber(ends) then
    redis.call('ZADD', generations, ends, number)
    redis.call('PEXPIREAT', generation, deletes)
  end
end

-- submitted notes when a message was, in ms, if none was later; 0: none was.
local function submitted(newest, at)
  if at ~= '0' then
    local known = redis.call('GET', newest)
    if not known or tonumber(known) < tonumber(at) then
      redis.call('SET', newest, at)
    end
  end
end

-- turned tells whether there are other generations than those that a caller knows.
local function turned(generations, known)
  return table.concat(redis.call('ZRANGE', generations, 0, -1), ' ') ~= known
end

local again = {err = 'RECEIPTSAGAIN there are other generations'}
local unfit = {err = 'RECEIPTSUNFIT the index was lost, or is being made'}

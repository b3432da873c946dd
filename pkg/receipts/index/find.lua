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

-- turned tells whether there are other generations than those that a caller knows.
local function turned(generations, known)
  return table.concat(redis.call('ZRANGE', generations, 0, -1), ' ') ~= known
end

local again = {err = 'RECEIPTSAGAIN there are other generations'}
local unfit = {err = 'RECEIPTSUNFIT the index was lost, or is being made'}

-- Stands before the scripts that read or write records, and is the only one that knows how they lie: each by its job's field, in the hash of the term at
-- whose end it may be gone. Terms are numbered by their end. KEYS[2..5]: the hashes of the next four fine terms to end; KEYS[6..9]: of the next four coarse ones, each
-- of 16 fine ones; KEYS[10]: what outlives them. ARGV[1]: the guard, which tells the length of a term; ARGV[2]: the number of the one that ended last, as
-- the client believes: it has to name all keys.
--
-- A value is the record itself, or a pointer '@<sheaf>.<page>.<place>' to it. Records that were claimed together lie by eight in pages, '@<sheaf>.<page>', of a
-- sheaf, '@<sheaf>', all in the same hash; '@' counts the sheaves. Pages and places are counted from 0. A page is its records, each behind its length, a head and the number
-- of bytes that it has in common with the page's first one: <length>:<head><number> <the rest>. The head ';' stands for no lease and no token, '@<...>;' for the sheaf's lease and the front of its
-- tokens. In pages of the version before this one the records are whole, without a number. A sheaf is '<lease, 13 digits><a digit of each page> <front>'. The
-- digit is 0 as long as a page is as the claim left it, with all its jobs pointing at it; 1 more than the number of jobs that have left it since, or 1 once it was recorded as a
-- whole. So a page is written once or twice and never again, and goes with the last of its jobs.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local term = tonumber(string.match(ARGV[1], '%.(%d+)'))
if string.format('%.0f', math.floor(now / term)) ~= ARGV[2] then
  return {err = 'CLAIMSTERM ' .. string.format('%.0f', now)}
end

local size = 8 -- of a page

local value, home = {}, {} -- of each job's field that was found: what is there, and in which hash

local function find(fields)
  local function search(key)
    if #fields > 16 and redis.call('EXISTS', key) == 0 then -- a cheaper question
      return
    end
    local got = redis.call('HMGET', key, unpack(fields))
    for i = 1, #fields do
      if got[i] then
        value[fields[i]], home[fields[i]] = got[i], key
      end
    end
  end
  for k = 2, 4 do -- where all is that lives for a window
    search(KEYS[k])
  end
  -- The others are mostly absent. In the last of four something is only where the clock was set back.
  if redis.call('EXISTS', unpack(KEYS, 5, 10)) > 0 then
    for k = 5, 10 do
      search(KEYS[k])
    end
  end
end

local expire = {} -- when, of each hash that is written to
local houses = {} -- by what is to live there, in ms

-- house is the hash for what is to live so long, in ms. It expires one term after its end; clients unlink it before that, since a server that expires a large
-- hash stands still meanwhile.
local function house(keep)
  if houses[keep] then
    return houses[keep]
  end
  local till, length = now + keep, term
  local key = KEYS[10]
  for before = 1, 5, 4 do
    local ended = math.floor(now / length)
    local ahead = math.ceil(till / length) - ended
    if ahead <= 3 then
      key = KEYS[before + ahead]
      expire[key] = string.format('%.0f', (ended + ahead + 1) * length)
      break
    end
    length = 16 * length
  end
  houses[keep] = key
  return key
end

local texts = {} -- of pages and sheaves that were read, by hash and field

local function read(key, field)
  local id = key .. field
  if texts[id] == nil then
    texts[id] = redis.call('HGET', key, field)
  end
  return texts[id]
end

local ends = {} -- where in a page's text each record ends, by the text

-- part gives the head and the record of a place in a page's text.
local function part(page, place)
  local all = ends[page]
  if not all then
    all = {[0] = 0, first = string.find(page, ';', 1, true) + 3}
    ends[page] = all
  end
  for i = #all + 1, place + 1 do
    local _, colon, length = string.find(page, '^(%d+):', all[i - 1] + 1)
    all[i] = colon + length
  end
  local _, at, head, shared = string.find(page, '^%d+:([^;]*;)(%d*)', all[place] + 1)
  if shared == '' then
    return head, string.sub(page, at + 1, all[place + 1])
  end
  return head, string.sub(page, all.first, all.first + shared - 1) .. string.sub(page, at + 2, all[place + 1])
end

-- get is the whole record of a job, nil where there is none. A pointer to nothing stands for itself, and is no record.
local function get(field)
  local v, key = value[field], home[field]
  if not v or string.byte(v) ~= 64 then
    return v
  end
  local page = read(key, string.sub(v, 1, -3))
  if not page then
    return v
  end
  local head, record = part(page, tonumber(string.sub(v, -1)))
  if string.byte(head) == 64 then -- @
    local lease, front = string.match(read(key, string.match(v, '^@%d+')) or '', '^(' .. string.rep('%d', 13) .. ')%d* (.*)$')
    return lease and lease .. front .. string.sub(head, 2) .. record or v
  end
  return (head == ';' and '0000000000000' or '') .. head .. record
end

local writes = {} -- what is to be written: by hash, the values of fields

local function set(key, field, text)
  local fields = writes[key] or {}
  writes[key] = fields
  fields[field] = text
end

local left = {} -- how many jobs' records aren't in their page any more, by hash and page

-- leave counts the pages' jobs that have left, in their sheaves. The texts stay there until all eight have.
local function leave()
  for key, pages in pairs(left) do
    for page, n in pairs(pages) do
      local name, number = string.match(page, '^(@%d+)%.(%d+)$')
      local sheaf = read(key, name)
      if sheaf then
        local digit = math.max(string.byte(sheaf, 14 + number), 49) + n
        texts[key .. name] = string.sub(sheaf, 1, 13 + number) .. string.char(digit) .. string.sub(sheaf, 15 + number)
        set(key, name, texts[key .. name])
        if digit == 49 + size then
          redis.call('HDEL', key, page)
        end
      end
    end
  end
end

-- put writes the whole record of a job, to live so long, in ms; without that it lives as long as before. After the last one comes done.
local function put(field, new, keep)
  local v, from = value[field], home[field]
  if v and string.byte(v) == 64 then
    local pages, page = left[from] or {}, string.sub(v, 1, -3)
    left[from] = pages
    pages[page] = (pages[page] or 0) + 1
  end
  local to = keep and house(keep) or from
  if from and from ~= to then
    if writes[from] then
      writes[from][field] = nil
    end
    redis.call('HDEL', from, field)
  end
  set(to, field, new)
  value[field], home[field] = new, to
end

-- done writes, and gives the hashes that were written to their time to live.
local function done()
  leave()
  for key, fields in pairs(writes) do
    local all, n = {}, 0
    for field, text in pairs(fields) do
      all[n + 1], all[n + 2], n = field, text, n + 2
    end
    if n > 0 then
      redis.call('HSET', key, unpack(all))
    end
  end
  for key, at in pairs(expire) do
    redis.call('PEXPIREAT', key, at)
  end
end

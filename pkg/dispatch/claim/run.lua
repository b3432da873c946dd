-- Stands before every script. A guard, like a ticket, is <random>.<term, ms>.<time>.<run>: made by the first worker that found no records, with the length of
-- a term that it wanted, and the id of the server's run. That changes with each restart and with each failover, and either may have forgotten what was
-- written last: so a guard of another run counts as lost. The id is empty where INFO is forbidden to us; then no restart is noticed.
local function run()
  local info = redis.pcall('INFO', 'server')
  return type(info) == 'string' and string.match(info, 'run_id:(%x+)') or ''
end
local function current(value)
  return string.match(value, '^%w+%.%d+%.%d+%.(%x*)$') == run()
end

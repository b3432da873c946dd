-- Stands before every script. A guard and a ticket end with the id of the server's run that made them. It changes with each restart and with each
-- failover, and either may have forgotten what was written last: so a guard of another run counts as lost. The id is empty where INFO is
-- forbidden to us; then no restart is noticed.
local function run()
  local info = redis.pcall('INFO', 'server')
  return type(info) == 'string' and string.match(info, 'run_id:(%x+)') or ''
end
local function current(value)
  return string.match(value, '[^.]*$') == run()
end

-- Stands before the scripts that work under the guard. KEYS[1] is it; ARGV[1] is what it must be.
if redis.call('GET', KEYS[1]) ~= ARGV[1] or not current(ARGV[1]) then
  return {err = 'CLAIMSLOST the guard of the records is gone, or of an earlier run of the server'}
end

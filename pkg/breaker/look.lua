-- Reads machines, and the time they are to be read by. KEYS: the machines. Answers the server's time in seconds and µs, and what is stored.
local time = redis.call('TIME')
return {time[1], time[2], redis.call('MGET', unpack(KEYS))}

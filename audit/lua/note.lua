-- Note something of single events of a batch that is still ours.
-- KEYS batch, the hash of such notes   ARGV token, then event, note, event, note, …
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
for place = 2, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[place], ARGV[place + 1]) end
return 1

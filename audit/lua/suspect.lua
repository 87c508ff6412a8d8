-- Note which event a careful worker turns to now, so that it is known should the worker not come back.
-- KEYS batch   ARGV token, event ('' for none)
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('HDEL', KEYS[1], 'suspect') else redis.call('HSET', KEYS[1], 'suspect', ARGV[2]) end
return 1

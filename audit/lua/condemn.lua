-- Note an event that kills workers as dead; what it did no longer counts against its batch, which is worked on with care.
-- KEYS batch, dead   ARGV token, event, why, losses after which work is careful
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
redis.call('HDEL', KEYS[1], 'killer', 'kills')
redis.call('HSET', KEYS[1], 'abandoned', ARGV[4])
return 1

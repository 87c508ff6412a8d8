-- Lengthen the lease of a claim that is still ours, and number the POST that is about to be made.
-- KEYS batch, open   ARGV id, token, lease s
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[2] then return 0 end
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('HSET', KEYS[1], 'lease_until', now + ARGV[3])
redis.call('ZADD', KEYS[2], now + ARGV[3], ARGV[1])
return redis.call('HINCRBY', KEYS[1], 'posts', 1)

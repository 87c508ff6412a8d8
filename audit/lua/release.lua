-- Give a claim back, so that the batch can be taken again after `delay`.
-- KEYS batch, open   ARGV id, token, delay s, grace s, failures, suspicions, balance ('' keeps what is there)
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[2] then return 0 end
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('HDEL', KEYS[1], 'token', 'lease_until', 'suspect')
if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'failures', ARGV[5], 'suspicions', ARGV[6], 'balance', ARGV[7]) end
redis.call('HSET', KEYS[1], 'queued_at', now + ARGV[3])
redis.call('ZADD', KEYS[2], now + ARGV[3] + ARGV[4], ARGV[1])
return 1

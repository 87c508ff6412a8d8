-- Hand a batch on to its next stage; from `forward` on, its events have records.
-- KEYS batch, open, unrecorded   ARGV id, token, stage, grace s, payload ('' keeps it)
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[2] then return 0 end
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('HSET', KEYS[1], 'stage', ARGV[3], 'queued_at', now)
redis.call('HDEL', KEYS[1], 'token', 'lease_until', 'attempts', 'abandoned', 'errors', 'suspect', 'killer', 'kills')
if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'payload', ARGV[5]) end
if ARGV[3] == 'forward' then redis.call('HDEL', KEYS[3], ARGV[1]) end
redis.call('ZADD', KEYS[2], now + ARGV[4], ARGV[1])
return 1

-- Have an open batch decided anew: its records are gone. What Moogsoft has taken of it stays noted.
-- KEYS batch, open, unrecorded, parked, behind   ARGV id, prefix of the sets of those that are behind a batch
local batch = redis.call('HMGET', KEYS[1], 'stage', 'dead_stage', 'events')
if not batch[1] or batch[2] or batch[1] == 'validate' or batch[1] == 'match' then return 0 end
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('HSET', KEYS[1], 'stage', 'validate', 'queued_at', now)
redis.call('HDEL', KEYS[1], 'token', 'lease_until', 'attempts', 'abandoned', 'errors', 'suspect', 'killer', 'kills', 'parked',
  'failures', 'suspicions', 'balance')
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('HSET', KEYS[3], ARGV[1], batch[3])
redis.call('ZREM', KEYS[4], ARGV[1])
local ahead = redis.call('HGET', KEYS[5], ARGV[1])
if ahead then
  redis.call('HDEL', KEYS[5], ARGV[1])
  redis.call('SREM', ARGV[2] .. ahead, ARGV[1])
end
return 1

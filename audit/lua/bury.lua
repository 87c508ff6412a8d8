-- Send a batch that cannot go on to the dead letters; what it still owes dies there, with this reason.
-- KEYS batch, open   ARGV id, dead stage, reason, detail, grace s
local stage = redis.call('HGET', KEYS[1], 'stage')
if not stage or stage == 'dlq' then return 0 end
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('HSET', KEYS[1], 'stage', 'dlq', 'dead_stage', ARGV[2], 'dead_reason', ARGV[3], 'dead_detail', ARGV[4],
  'dead_attempts', redis.call('HGET', KEYS[1], 'attempts') or 0, 'queued_at', now)
redis.call('HDEL', KEYS[1], 'token', 'lease_until', 'attempts')
redis.call('ZADD', KEYS[2], now + ARGV[5], ARGV[1])
return 1

-- Send a batch that cannot go on to the dead letters; what it still owes dies there, with this reason.
-- Nothing happens if it stands at another stage by now, or if somebody else holds it.
-- KEYS batch, open   ARGV id, stage, token ('' for none), dead stage, reason, detail, grace s
local batch = redis.call('HMGET', KEYS[1], 'stage', 'token', 'lease_until')
if batch[1] ~= ARGV[2] or batch[1] == 'dlq' then return 0 end
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
if batch[2] and batch[2] ~= ARGV[3] and tonumber(batch[3]) > now then return 0 end
if ARGV[3] ~= '' and batch[2] ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[1], 'stage', 'dlq', 'dead_stage', ARGV[4], 'dead_reason', ARGV[5], 'dead_detail', ARGV[6],
  'queued_at', now)
redis.call('HDEL', KEYS[1], 'token', 'lease_until', 'abandoned', 'suspect', 'killer', 'kills')
redis.call('ZADD', KEYS[2], now + ARGV[7], ARGV[1])
return 1

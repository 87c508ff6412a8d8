-- The open batches that are overdue; each is given `grace` more, so that a second sweeper passes it by.
-- KEYS open   ARGV limit, grace s, prefix of batch keys
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local overdue = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])) do
  local batch = redis.call('HMGET', ARGV[3] .. id, 'stage', 'queued_at')
  if batch[1] then
    redis.call('ZADD', KEYS[1], now + ARGV[2], id)
    table.insert(overdue, {id, batch[1], batch[2]})
  else
    redis.call('ZREM', KEYS[1], id)
  end
end
return overdue

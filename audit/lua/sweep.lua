-- The open batches that are overdue; each is given `grace` more, so that a second sweeper passes it by.
-- KEYS open   ARGV limit, grace s, prefix of batch keys, lease s, from how many s on nothing can be due yet
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
-- What is due later than anything can be is from before the clock was put back: whoever holds it gets a full lease from now on.
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now + ARGV[5], '(+inf', 'LIMIT', 0, ARGV[1])) do
  local batch = redis.call('HMGET', ARGV[3] .. id, 'queued_at', 'token')
  if tonumber(batch[1] or 0) > now then redis.call('HSET', ARGV[3] .. id, 'queued_at', now) end
  if batch[2] then redis.call('HSET', ARGV[3] .. id, 'lease_until', now + ARGV[4]) end
  redis.call('ZADD', KEYS[1], now + ARGV[4], id)
end
local overdue = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])) do
  local batch = redis.call('HMGET', ARGV[3] .. id, 'stage', 'queued_at', 'events', 'attempts', 'token', 'abandoned')
  if batch[1] then
    redis.call('ZADD', KEYS[1], now + ARGV[2], id)
    table.insert(overdue, {id, redis.call('HSTRLEN', ARGV[3] .. id, 'payload'), unpack(batch)})
  else
    redis.call('ZREM', KEYS[1], id)
  end
end
return overdue

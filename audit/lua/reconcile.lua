-- Parked batches that nobody would release: they are in no list, or behind a batch that is gone. They may go on.
-- KEYS open, parked, behind   ARGV prefix of batch keys, most to look at
local lost = {}
if redis.call('ZCOUNT', KEYS[1], '+inf', '+inf') ~= redis.call('ZCARD', KEYS[2]) + redis.call('HLEN', KEYS[3]) then
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '+inf', '+inf', 'LIMIT', 0, ARGV[2])) do
    if not redis.call('ZSCORE', KEYS[2], id) and redis.call('HEXISTS', KEYS[3], id) == 0 then table.insert(lost, id) end
  end
end
if redis.call('HLEN', KEYS[3]) > 0 then
  for _, id in ipairs(redis.call('HRANDFIELD', KEYS[3], 100)) do
    if redis.call('EXISTS', ARGV[1] .. redis.call('HGET', KEYS[3], id)) == 0 then
      redis.call('HDEL', KEYS[3], id)
      table.insert(lost, id)
    end
  end
end
local time = redis.call('TIME')
for _, id in ipairs(lost) do
  redis.call('ZADD', KEYS[1], 'XX', time[1] + time[2] / 1000000, id)
  redis.call('HDEL', ARGV[1] .. id, 'parked')
end
return #lost

-- Close a batch: every event of it is terminal and PostgreSQL has committed that. Those that were behind it may go on:
-- they are returned, each with what it owes, after a 1, to be queued; or they are left to the drainer.
-- KEYS batch, open, unrecorded, sent, dead, halved, behind, those behind this batch, parked, opened
-- ARGV id, token, grace s, prefix of batch keys, whether the caller queues
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[2] then return {0} end
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local answer = {1}
for _, id in ipairs(redis.call('SMEMBERS', KEYS[8])) do
  redis.call('HDEL', KEYS[7], id)
  if redis.call('EXISTS', ARGV[4] .. id) == 1 then
    if ARGV[5] == '1' then
      redis.call('HDEL', ARGV[4] .. id, 'parked')
      redis.call('HSET', ARGV[4] .. id, 'queued_at', now)
      redis.call('ZADD', KEYS[2], now + ARGV[3], id)
      table.insert(answer, id)
      table.insert(answer, redis.call('HGET', ARGV[4] .. id, 'owed') or 1)
    else
      redis.call('ZADD', KEYS[9], redis.call('HGET', ARGV[4] .. id, 'place'), id)
    end
  end
end
redis.call('DEL', KEYS[1], KEYS[4], KEYS[5], KEYS[6], KEYS[8])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[10], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
return answer

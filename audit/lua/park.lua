-- Give a claim back to a batch that has to wait for Moogsoft, or for another batch with the same alert: no message
-- stands for it until it is released, and no sweeper takes it for lost.
-- KEYS batch, open, parked, behind   ARGV id, token, its place in the order (ms), why, events owed, prefix of batch keys,
-- id of the batch that it is behind ('' for none), prefix of the sets of those that are behind a batch,
-- failures, suspicions, balance ('' keeps what is there), most batches behind one
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[2] then return 0 end
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('HDEL', KEYS[1], 'token', 'lease_until', 'attempts', 'abandoned', 'errors', 'suspect', 'killer', 'kills')
redis.call('HSET', KEYS[1], 'parked', ARGV[4], 'owed', ARGV[5], 'place', ARGV[3], 'queued_at', now)
redis.call('ZADD', KEYS[2], '+inf', ARGV[1])
if ARGV[9] ~= '' then redis.call('HSET', KEYS[1], 'failures', ARGV[9], 'suspicions', ARGV[10], 'balance', ARGV[11]) end
local is_open = ARGV[7] ~= '' and redis.call('EXISTS', ARGV[6] .. ARGV[7]) == 1
if is_open and not redis.call('ZSCORE', KEYS[3], ARGV[7]) then  -- one that is parked is released first, or with this one
  -- Behind the one that the other waits for, so that both are freed at once: not a long row of them, one after the other.
  local front = redis.call('HGET', KEYS[4], ARGV[7])
  if not front or redis.call('SCARD', ARGV[8] .. front) >= tonumber(ARGV[12]) then front = ARGV[7] end
  redis.call('SADD', ARGV[8] .. front, ARGV[1])
  redis.call('HSET', KEYS[4], ARGV[1], front)
else
  redis.call('ZADD', KEYS[3], ARGV[3], ARGV[1])
end
return 1

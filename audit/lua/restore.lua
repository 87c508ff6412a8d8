-- Open a batch that PostgreSQL knows to be owed and the journal has lost. What is decided is parked, so that it goes out at
-- the pace of all that had to wait; the rest is swept.
-- KEYS batch, open, opened, parked
-- ARGV id, payload, events, seq, api key, address, correlation id, its place in the order (ms; '' where it is not decided)
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('HSET', KEYS[1], 'stage', 'validate', 'payload', ARGV[2], 'events', ARGV[3], 'seq', ARGV[4],
  'api_key', ARGV[5], 'address', ARGV[6], 'correlation_id', ARGV[7], 'queued_at', now)
redis.call('ZADD', KEYS[3], now, ARGV[1])
if ARGV[8] == '' then
  redis.call('ZADD', KEYS[2], now, ARGV[1])
else
  redis.call('HSET', KEYS[1], 'stage', 'forward', 'parked', 'restored', 'owed', ARGV[3], 'place', ARGV[8])
  redis.call('ZADD', KEYS[2], '+inf', ARGV[1])
  redis.call('ZADD', KEYS[4], ARGV[8], ARGV[1])
end
return 1

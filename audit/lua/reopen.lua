-- Open a batch once more for some of its events, which were dead. They were counted when they were accepted.
-- KEYS batch, open, dead, halved, opened   ARGV id, payload, events, seq, api key, address, grace s, name of this call
if redis.call('EXISTS', KEYS[1]) == 1 then  -- by this very call, whose answer got lost?
  return redis.call('HGET', KEYS[1], 'replay') == ARGV[8] and 1 or 0
end
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('DEL', KEYS[3], KEYS[4])
redis.call('HSET', KEYS[1], 'stage', 'validate', 'payload', ARGV[2], 'events', ARGV[3], 'seq', ARGV[4],
  'api_key', ARGV[5], 'address', ARGV[6], 'queued_at', now, 'replay', ARGV[8])
redis.call('ZADD', KEYS[2], now + ARGV[7], ARGV[1])
redis.call('ZADD', KEYS[5], now, ARGV[1])
return 1

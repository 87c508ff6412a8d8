-- Open a batch: payload, place in the index and the count of accepted events, all or nothing.
-- KEYS batch, open, unrecorded, totals   ARGV id, payload, events, api key, address, grace s
if redis.call('EXISTS', KEYS[1]) == 1 then
  return redis.call('HGET', KEYS[1], 'seq')
end
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local seq = redis.call('HINCRBY', KEYS[4], 'accepted', ARGV[3])
redis.call('HSET', KEYS[1], 'stage', 'validate', 'payload', ARGV[2], 'events', ARGV[3], 'seq', seq,
  'api_key', ARGV[4], 'address', ARGV[5], 'queued_at', now)
redis.call('ZADD', KEYS[2], now + ARGV[6], ARGV[1])
redis.call('HSET', KEYS[3], ARGV[1], ARGV[3])
return seq

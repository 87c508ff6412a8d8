-- Open a batch: payload, place in the index and the count of accepted events, all or nothing. Where the request
-- bears a key that was answered before, nothing is opened and that answer is given again.
-- KEYS batch, open, unrecorded, totals, opened, answer (optional)
-- ARGV id, payload, events, api key, address, grace s, correlation id, traceparent, answer (optional), how long it is
-- kept s
if KEYS[6] then
  local given = redis.call('GET', KEYS[6])
  if given then return given end
end
if redis.call('EXISTS', KEYS[1]) == 0 then
  local time = redis.call('TIME')
  local now = time[1] + time[2] / 1000000
  local seq = redis.call('HINCRBY', KEYS[4], 'accepted', ARGV[3])
  redis.call('HSET', KEYS[1], 'stage', 'validate', 'payload', ARGV[2], 'events', ARGV[3], 'seq', seq,
    'api_key', ARGV[4], 'address', ARGV[5], 'queued_at', now, 'correlation_id', ARGV[7])
  if ARGV[8] ~= '' then redis.call('HSET', KEYS[1], 'traceparent', ARGV[8]) end
  redis.call('ZADD', KEYS[2], now + ARGV[6], ARGV[1])
  redis.call('HSET', KEYS[3], ARGV[1], ARGV[3])
  redis.call('ZADD', KEYS[5], now, ARGV[1])
end
if KEYS[6] then redis.call('SET', KEYS[6], ARGV[9], 'EX', ARGV[10]) end
return false

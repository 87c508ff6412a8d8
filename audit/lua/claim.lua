-- Take a batch for one stage, unless it is gone, elsewhere, somebody holds it, or too many died holding it.
-- KEYS batch, open, parked, behind, dead   ARGV id, stage, token, lease s, most abandoned, prefix of the sets of those that are behind a batch
local held = redis.call('HMGET', KEYS[1], 'stage', 'token', 'lease_until', 'parked')
if not held[1] then return {'gone'} end
if held[1] ~= ARGV[2] then return {'elsewhere'} end
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
if held[2] and held[2] ~= ARGV[3] then
  if tonumber(held[3]) > now then return {'held'} end
  -- Its holder neither finished nor gave it back: it died, or was too slow.
  local abandoned = redis.call('HINCRBY', KEYS[1], 'abandoned', 1)
  local suspect = redis.call('HGET', KEYS[1], 'suspect')
  if suspect then
    if redis.call('HGET', KEYS[1], 'killer') ~= suspect then redis.call('HSET', KEYS[1], 'killer', suspect, 'kills', 0) end
    redis.call('HINCRBY', KEYS[1], 'kills', 1)
    redis.call('HDEL', KEYS[1], 'suspect')
  end
  if abandoned > tonumber(ARGV[5]) and held[1] ~= 'dlq' then
    redis.call('HDEL', KEYS[1], 'token', 'lease_until')
    return {'abandoned'}
  end
end
if held[4] then  -- a message too many reached it while it was parked
  redis.call('HDEL', KEYS[1], 'parked')
  redis.call('ZREM', KEYS[3], ARGV[1])
  local ahead = redis.call('HGET', KEYS[4], ARGV[1])
  if ahead then
    redis.call('HDEL', KEYS[4], ARGV[1])
    redis.call('SREM', ARGV[6] .. ahead, ARGV[1])
  end
end
if held[2] ~= ARGV[3] then redis.call('HINCRBY', KEYS[1], 'attempts', 1) end
redis.call('HSET', KEYS[1], 'token', ARGV[3], 'lease_until', now + ARGV[4])
redis.call('ZADD', KEYS[2], now + ARGV[4], ARGV[1])
local batch = redis.call('HMGET', KEYS[1], 'payload', 'events', 'seq', 'api_key', 'address', 'attempts', 'failures',
  'suspicions', 'balance', 'abandoned', 'killer', 'kills', 'replay', 'correlation_id', 'traceparent')
table.insert(batch, 1, 'claimed')
table.insert(batch, redis.call('HKEYS', KEYS[5]))
return batch

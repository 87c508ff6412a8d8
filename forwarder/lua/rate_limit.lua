-- At most so many requests within any window of this length, for all workers together; and none while the
-- destination has asked for a pause.
-- KEYS slots, hold   ARGV command, then
--   take: limit, window s, name, longest pause s · hold: least s, most s, asked s ('' if it did not say) · read: window s
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000

if ARGV[1] == 'hold' then
  -- Each answer of this kind within a minute after the pause before doubles the pause.
  local least, most, asked = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
  local held = redis.call('HMGET', KEYS[2], 'until', 'strikes')
  local ends, strikes = tonumber(held[1] or 0), tonumber(held[2] or 0)
  if ends > now and ends <= now + most then return tostring(ends - now) end  -- sent before the others were told
  if now - ends > 60 then strikes = 0 end
  local pause = math.min(math.max(least * 2 ^ math.min(strikes, 20), asked or 0), most)
  redis.call('HSET', KEYS[2], 'until', now + pause, 'strikes', strikes + 1)
  redis.call('EXPIRE', KEYS[2], math.ceil(most) + 120)
  return tostring(pause)
end

if ARGV[1] == 'read' then
  local ends = tonumber(redis.call('HGET', KEYS[2], 'until') or 0)
  return {redis.call('ZCOUNT', KEYS[1], now - ARGV[2], '+inf'), string.format('%.3f', ends), tostring(ends - now)}
end

local limit, window = tonumber(ARGV[2]), tonumber(ARGV[3])
local pause = tonumber(redis.call('HGET', KEYS[2], 'until') or 0) - now
if pause > 0 and pause <= tonumber(ARGV[5]) then return {'retry_after', tostring(pause)} end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
redis.call('ZREMRANGEBYSCORE', KEYS[1], now + 1, '+inf')  -- of before the clock was put back
if redis.call('ZCARD', KEYS[1]) >= limit then
  local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  return {'rate', tostring(oldest[2] + window - now)}
end
redis.call('ZADD', KEYS[1], now, ARGV[4])
redis.call('EXPIRE', KEYS[1], math.ceil(window) + 1)
return {'go', '0'}

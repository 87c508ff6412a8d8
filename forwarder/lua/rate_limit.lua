-- How the pace of all requests stands, and the pause that the destination asks for: breaker.lua goes by both.
-- KEYS slots, hold   ARGV command, then   hold: least s, most s, asked s ('' if it did not say) · read: window s
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

local ends = tonumber(redis.call('HGET', KEYS[2], 'until') or 0)
return {redis.call('ZCOUNT', KEYS[1], now - ARGV[2], '+inf'), string.format('%.3f', ends), tostring(ends - now)}

-- Whether it is time to sweep again; who is told so has the turn. A key that expires would do, but not when the clock is put back.
-- KEYS swept   ARGV every s
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local last = tonumber(redis.call('GET', KEYS[1]) or 0)
if last < now + 1 and now - last < tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], string.format('%.6f', now))
return 1

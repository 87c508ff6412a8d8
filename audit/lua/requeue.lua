-- Note that an open batch's message is at the end of its queue now.
-- KEYS batch
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'queued_at', time[1] + time[2] / 1000000)
return 1

-- Note events that Moogsoft has taken. Whoever says so is right, also when its lease is over; but what is closed stays closed.
-- KEYS batch, sent, batch, sent, …   ARGV for each batch the number of its events, then these
local place = 1
for key = 1, #KEYS, 2 do
  local last = place + tonumber(ARGV[place])
  if redis.call('EXISTS', KEYS[key]) == 1 then
    for first = place + 1, last, 1000 do
      redis.call('SADD', KEYS[key + 1], unpack(ARGV, first, math.min(first + 999, last)))
    end
    redis.call('HDEL', KEYS[key], 'failures', 'suspicions', 'balance')
  end
  place = last + 1
end
return 1

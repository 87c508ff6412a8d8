-- Note events that Moogsoft has taken. Whoever says so is right, also when its lease is over; but what is closed stays closed.
-- KEYS batch, sent   ARGV events
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
for place = 1, #ARGV do redis.call('SADD', KEYS[2], ARGV[place]) end
redis.call('HDEL', KEYS[1], 'failures', 'suspicions', 'balance')
return 1

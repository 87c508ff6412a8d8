-- Note events that Moogsoft has taken. Whoever says so is right, also when its lease is over; but what is closed stays closed.
-- KEYS batch, sent, batch, sent, …   ARGV the events of each batch, 16 bytes each
for place = 1, #ARGV do
  local batch, sent, events = KEYS[place * 2 - 1], KEYS[place * 2], ARGV[place]
  if redis.call('EXISTS', batch) == 1 then
    for byte = 1, #events, 16 do redis.call('SADD', sent, string.sub(events, byte, byte + 15)) end
    redis.call('HDEL', batch, 'failures', 'suspicions', 'balance')
  end
end
return 1

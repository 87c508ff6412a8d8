-- What is noted of single events of these batches: {place of the batch, sent, dead, halved}, of those only that have any.
-- ARGV prefixes of sent, dead and halved, then ids
local found = {}
for place = 4, #ARGV do
  local sent, dead, halved = ARGV[1] .. ARGV[place], ARGV[2] .. ARGV[place], ARGV[3] .. ARGV[place]
  if redis.call('EXISTS', sent, dead, halved) > 0 then
    local notes = {redis.call('SMEMBERS', sent), redis.call('HKEYS', dead), redis.call('HGETALL', halved)}
    table.insert(found, {place - 4, unpack(notes)})
  end
end
return found

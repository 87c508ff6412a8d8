-- What is noted of single events of these batches: {place of the batch, sent, dead, halved}, of those only that have any.
-- KEYS sent, dead, halved, of each batch
local found = {}
for key = 1, #KEYS, 3 do
  local sent, dead, halved = KEYS[key], KEYS[key + 1], KEYS[key + 2]
  if redis.call('EXISTS', sent, dead, halved) > 0 then
    local notes = {redis.call('SMEMBERS', sent), redis.call('HKEYS', dead), redis.call('HGETALL', halved)}
    table.insert(found, {(key - 1) / 3, unpack(notes)})
  end
end
return found

-- Count a batch's unmatched events; the answer is the events that reached the threshold of their window.
-- The answer is kept with the batch: one that comes again gets it and counts nothing.
-- KEYS batch, one counter for each host and signature   ARGV threshold, window s, then for each counter its event ids, joined by blanks
local before = redis.call('HGET', KEYS[1], 'threshold_events')
if before then return before end
local threshold, window = tonumber(ARGV[1]), ARGV[2]
local reached = {}
for index = 2, #KEYS do
  local events = {}
  for id in string.gmatch(ARGV[index + 1], '%S+') do table.insert(events, id) end
  local count = redis.call('INCRBY', KEYS[index], #events)
  if count == #events then redis.call('EXPIRE', KEYS[index], window) end
  local position = threshold - (count - #events)
  if position >= 1 and position <= #events then table.insert(reached, events[position]) end
end
local answer = table.concat(reached, ' ')
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'threshold_events', answer) end
return answer

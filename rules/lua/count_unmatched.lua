-- Count a batch's unmatched events; the answer is the events that reached the threshold of their window.
-- A batch that comes again gets its first answer and counts nothing.
-- KEYS marker, one counter for each host and signature   ARGV threshold, window s, then for each counter its event ids, joined by blanks
local before = redis.call('GET', KEYS[1])
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
redis.call('SET', KEYS[1], answer, 'EX', window)
return answer

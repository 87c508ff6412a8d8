-- Count a batch's unmatched events; the answer is the events that reached the threshold of their window.
-- The answer is kept with the batch: one that comes again gets it and counts nothing.
-- KEYS batch   ARGV threshold, window s, prefix of the counters, by each counter's name the ends of its events' ids (JSON)
local before = redis.call('HGET', KEYS[1], 'threshold_events')
if before then return before end
local END = 5 -- digits of an id that tell the events of a batch apart: see audit/ids.py
local threshold, window, prefix = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local reached = {}
for name, ends in pairs(cjson.decode(ARGV[4])) do
  local events, counter = #ends / END, prefix .. name
  local count = redis.call('INCRBY', counter, events)
  if count == events then redis.call('EXPIRE', counter, window) end
  local position = threshold - (count - events)
  if position >= 1 and position <= events then
    table.insert(reached, string.sub(KEYS[1], -36, -END - 1) .. string.sub(ends, (position - 1) * END + 1, position * END))
  end
end
local answer = table.concat(reached, ' ')
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'threshold_events', answer) end
return answer

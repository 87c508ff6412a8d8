-- Whether there is room for more: too many open batches or too much memory closes the door, for all web processes,
-- until both are below their lower marks.
-- KEYS open, full   ARGV high and low number of batches, high and low share of maxmemory
local batches = redis.call('ZCARD', KEYS[1])
local memory = redis.call('INFO', 'memory')
local used = tonumber(string.match(memory, 'used_memory:(%d+)'))
local most = tonumber(string.match(memory, 'maxmemory:(%d+)'))
local share = 0
if most > 0 then share = used / most end
local full = redis.call('EXISTS', KEYS[2]) == 1
if batches >= tonumber(ARGV[1]) or share >= tonumber(ARGV[3]) then
  if not full then redis.call('SET', KEYS[2], '1') end
  full = true
elseif full and batches <= tonumber(ARGV[2]) and share <= tonumber(ARGV[4]) then
  redis.call('DEL', KEYS[2])
  full = false
end
return {full and 1 or 0, batches, tostring(share)}

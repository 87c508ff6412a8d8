-- Lengthen the leases of claims that are still ours, and number the POST that is about to be made, for each of them. If one
-- is not ours any more, nothing changes, and its place is told, below 0.
-- KEYS open, batch, batch, …   ARGV lease s, then id, token, id, token, …
for place = 2, #KEYS do
  if redis.call('HGET', KEYS[place], 'token') ~= ARGV[place * 2 - 1] then return {1 - place} end
end
local time = redis.call('TIME')
local ends = time[1] + time[2] / 1000000 + ARGV[1]
local numbers = {}
for place = 2, #KEYS do
  redis.call('HSET', KEYS[place], 'lease_until', ends)
  redis.call('ZADD', KEYS[1], ends, ARGV[place * 2 - 2])
  table.insert(numbers, redis.call('HINCRBY', KEYS[place], 'posts', 1))
end
return numbers

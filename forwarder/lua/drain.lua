-- Which parked batches may go on now, those together that fit into one request. Any number of drainers may ask: the pace is
-- kept here, and each batch is given once.
-- KEYS parked, open, breaker, ramp, hold (of the rate limit), queue of the forward stage
-- ARGV key, open s, most requests a second, most messages in the queue, requests' size, grace s, prefix of batch keys, lease s,
-- longest pause s, most batches at once, any number
local now = redis.call('TIME')
now = now[1] + now[2] / 1000000
local key, open_s, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local size, grace, prefix, lease = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7], tonumber(ARGV[8])

local function release(id)
  redis.call('ZREM', KEYS[1], id)
  redis.call('HDEL', prefix .. id, 'parked')
  redis.call('HSET', prefix .. id, 'queued_at', now)
  redis.call('ZADD', KEYS[2], now + grace, id)
end

if redis.call('ZCARD', KEYS[1]) == 0 then return {} end
local breaker = redis.call('HMGET', KEYS[3], 'state', 'opened_at', 'forced', 'forced_until', 'paused_keys', 'probe_until', 'tried_at')
local state, opened_at, forced = breaker[1] or 'closed', tonumber(breaker[2] or 0), breaker[3]
if forced and tonumber(breaker[4]) <= now then forced = false end
if string.find(',' .. (breaker[5] or '') .. ',', ',' .. key .. ',', 1, true) or forced == 'open' then return {} end
local pause = tonumber(redis.call('HGET', KEYS[5], 'until') or 0) - now
if pause > 0 and pause <= tonumber(ARGV[9]) then return {} end

if state ~= 'closed' and forced ~= 'closed' then
  -- One batch at a time tries whether the destination is back; a drainer that dies with it is waited for.
  if state == 'open' and opened_at > now then redis.call('HSET', KEYS[3], 'opened_at', now) end  -- the clock was put back
  if state == 'open' and math.min(opened_at, now) + open_s > now then return {} end
  local left = tonumber(breaker[6] or 0) - now
  if state == 'half_open' and left > 0 and left <= lease then return {} end
  local since = now - tonumber(breaker[7] or 0)
  if since >= 0 and since < lease then return {} end
  -- The oldest waits for no other. But not always the same one: it may be what the destination breaks on.
  local turn, number = redis.call('HINCRBY', KEYS[3], 'turn', 1) % 3, redis.call('ZCARD', KEYS[1])
  local place = 0
  if turn ~= 1 then place = tonumber(ARGV[11]) % (turn == 2 and math.min(number, 20) or number) end
  local any = redis.call('ZRANGE', KEYS[1], place, place)[1]
  if redis.call('EXISTS', prefix .. any) == 0 then
    redis.call('ZREM', KEYS[1], any)
    return {}
  end
  redis.call('HSET', KEYS[3], 'tried_at', now)
  release(any)
  return {{any}}
end

local ramp = redis.call('HMGET', KEYS[4], 'rate', 'at', 'credit', 'failures', 'failures_seen')
local elapsed = math.max(0, math.min(now - tonumber(ramp[2] or now), 2))
local rate, credit = tonumber(ramp[1] or most), tonumber(ramp[3] or 1)
if ramp[4] ~= ramp[5] then
  rate = math.max(rate / 2, math.min(1, most))
  redis.call('HSET', KEYS[4], 'failures_seen', ramp[4])
else
  rate = math.min(rate * 2 ^ elapsed, most)
end
credit = math.min(credit + rate * elapsed, math.max(rate, 1))
local groups, group, room = {}, false, 0
if credit >= 1 and redis.call('LLEN', KEYS[6]) < tonumber(ARGV[4]) then
  local last = math.min(math.floor(credit) * size, tonumber(ARGV[10])) - 1
  for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, last)) do
    local batch = redis.call('HMGET', prefix .. id, 'owed', 'events', 'failures', 'suspicions')
    local owed, alone = tonumber(batch[1] or batch[2]), tonumber(batch[3] or 0) + tonumber(batch[4] or 0) > 0
    if not owed then
      redis.call('ZREM', KEYS[1], id)
    elseif group and not alone and owed <= room then
      release(id)
      table.insert(group, id)
      room = room - owed
    elseif credit < 1 then
      break
    else
      release(id)
      credit = credit - math.max(math.ceil(owed / size), 1)
      group, room = {id}, alone and 0 or size - owed
      table.insert(groups, group)
    end
  end
end
redis.call('HSET', KEYS[4], 'rate', rate, 'at', now, 'credit', credit)
return groups

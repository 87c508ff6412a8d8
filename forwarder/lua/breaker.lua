-- The breaker of one destination: the whole of its state, changed in one step, by Redis' clock.
-- KEYS breaker, failures (times of the last ones), transitions, ramp (of the drainer); of the rate limit: slots, hold
-- ARGV command, then what it needs: see forwarder/breaker.py
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000

local function field(name)
  return redis.call('HGET', KEYS[1], name)
end

local function tell(from, to, reason, by)
  redis.call('LPUSH', KEYS[3], cjson.encode({at = string.format('%.3f', now), from = from, to = to, reason = reason, by = by}))
  redis.call('LTRIM', KEYS[3], 0, 99)
end

-- When it opened. A time that is missing, or from before the clock was put back, is now, and stays so.
local function opening()
  local at = tonumber(field('opened_at') or '')
  if not at or at > now then
    at = now
    redis.call('HSET', KEYS[1], 'opened_at', at)
  end
  return at
end

local function is_paused(key)
  return string.find(',' .. (field('paused_keys') or '') .. ',', ',' .. key .. ',', 1, true) ~= nil
end

local function move(to, reason, by)
  local from = field('state') or 'closed'
  redis.call('HSET', KEYS[1], 'state', to, 'since', now, 'reason', reason)
  redis.call('HDEL', KEYS[1], 'probe_token', 'probe_until', 'tried_at')
  redis.call('DEL', KEYS[2])
  if to == 'open' then redis.call('HSET', KEYS[1], 'opened_at', now) end
  redis.call('HSET', KEYS[4], 'rate', 1, 'credit', 0, 'at', now)  -- what follows begins slowly
  if from ~= to then tell(from, to, reason, by) end
end

local function unforce(reason, by)
  local forced = field('forced')
  if not forced then return end
  redis.call('HDEL', KEYS[1], 'forced', 'forced_until', 'forced_reason', 'forced_by')
  tell('forced_' .. forced, 'automatic', reason, by)
end

local function end_of_force()
  local ends = field('forced_until')
  if ends and tonumber(ends) <= now then unforce('its time was over', '') end
end

local commands = {}

-- key, open s, token, lease s → may a request go now?
function commands.admit(key, open_s, token, lease_s)
  end_of_force()
  local forced = field('forced')
  if is_paused(key) then return {'paused', '0'} end
  if forced == 'open' then return {'forced_open', tostring(tonumber(field('forced_until')) - now)} end
  local state = field('state') or 'closed'
  if forced == 'closed' or state == 'closed' then return {'closed', '0'} end
  if state == 'open' then
    local left = opening() + open_s - now
    if left > 0 then return {'open', tostring(left)} end
  else
    local left = tonumber(field('probe_until') or 0) - now
    if field('probe_token') == token then return {'probe', '0'} end  -- asked twice: the first answer got lost
    if left > 0 and left <= tonumber(lease_s) then return {'probing', tostring(left)} end
  end
  if state ~= 'half_open' then tell(state, 'half_open', 'one request tries whether it is back', '') end
  redis.call('HSET', KEYS[1], 'state', 'half_open', 'probe_token', token, 'probe_until', now + lease_s)
  if state ~= 'half_open' then redis.call('HSET', KEYS[1], 'since', now) end
  return {'probe', '0'}
end

-- At most so many requests within any window of this length, for all workers together; and none while the destination has
-- asked for a pause.
local function take_slot(limit, window, name, longest)
  local pause = tonumber(redis.call('HGET', KEYS[6], 'until') or 0) - now
  if pause > 0 and pause <= tonumber(longest) then return {'retry_after', tostring(pause)} end
  redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', now - window)
  redis.call('ZREMRANGEBYSCORE', KEYS[5], now + 1, '+inf')  -- of before the clock was put back
  if redis.call('ZCARD', KEYS[5]) >= tonumber(limit) then
    local oldest = redis.call('ZRANGE', KEYS[5], 0, 0, 'WITHSCORES')
    return {'rate', tostring(oldest[2] + window - now)}
  end
  redis.call('ZADD', KEYS[5], now, name)
  redis.call('EXPIRE', KEYS[5], math.ceil(window) + 1)
end

-- the same, then limit, window s, longest pause s → may a request go now, by the breaker and by the rate limit?
function commands.admit_in_turn(key, open_s, token, lease_s, limit, window, longest)
  local answer = commands.admit(key, open_s, token, lease_s)
  if answer[1] ~= 'closed' and answer[1] ~= 'probe' then return answer end
  local held = take_slot(limit, window, token, longest)
  if held then commands.give_back(token) end
  return held or answer
end

-- token: the probe was not made
function commands.give_back(token)
  if field('probe_token') == token then redis.call('HSET', KEYS[1], 'probe_until', 0) end
  return 1
end

-- window s, a name for this failure, batch, balance when that batch failed before ('' for never)
-- → failures in the window, balance, 1 if the batch is suspect: meanwhile Moogsoft took more of the others than it failed.
-- A suspect batch counts once in the window: few bad events must not stop all the others.
function commands.fail(window_s, name, batch, before)
  local balance = redis.call('HINCRBY', KEYS[1], 'balance', -1)
  local suspect = before ~= '' and balance >= tonumber(before)
  redis.call('ZADD', KEYS[2], now, (before == '' or suspect) and batch ~= '' and batch or name)
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - window_s)
  redis.call('ZREMRANGEBYSCORE', KEYS[2], now + 1, '+inf')  -- of before the clock was put back
  redis.call('EXPIRE', KEYS[2], math.ceil(window_s) * 2)
  if not suspect then redis.call('HINCRBY', KEYS[4], 'failures', 1) end
  return {redis.call('ZCARD', KEYS[2]), balance, suspect and 1 or 0}
end

function commands.succeed()
  redis.call('HSET', KEYS[1], 'last_success', now)
  redis.call('HINCRBY', KEYS[1], 'balance', 1)
  return 1
end

-- the batch that was to try it had nothing to send
function commands.untried()
  redis.call('HDEL', KEYS[1], 'tried_at')
  return 1
end

-- token ('' for none), reason, by → 1 if that opened it
function commands.open(token, reason, by)
  if field('forced') then return 0 end
  local state = field('state') or 'closed'
  if state == 'half_open' and field('probe_token') ~= token then return 0 end
  if state == 'open' then return 0 end
  move('open', reason, by)
  return 1
end

-- token, reason, by → 1 if that closed it
function commands.close(token, reason, by)
  if (field('state') or 'closed') ~= 'half_open' or field('probe_token') ~= token then return 0 end
  move('closed', reason, by)
  return 1
end

-- open or closed, for s, reason, by
function commands.force(state, for_s, reason, by)
  unforce('something else was wanted', by)
  if (field('state') or 'closed') ~= state then move(state, reason, by) end
  redis.call('HSET', KEYS[1], 'forced', state, 'forced_until', now + for_s, 'forced_reason', reason, 'forced_by', by)
  tell('automatic', 'forced_' .. state, reason, by)
  return 1
end

-- reason, by: as the failures say, from now on; where it is open, it may be tried at once
function commands.automatic(reason, by)
  unforce(reason, by)
  if field('state') == 'open' then redis.call('HSET', KEYS[1], 'opened_at', 0) end
  return 1
end

-- key, reason → 1 if it was not paused for this key before
function commands.pause(key, reason)
  if is_paused(key) then return 0 end
  local keys = field('paused_keys')
  redis.call('HSET', KEYS[1], 'paused_keys', keys and keys .. ',' .. key or key, 'paused_since', now, 'paused_reason', reason)
  tell('running', 'paused', reason, '')
  return 1
end

-- reason, by
function commands.resume(reason, by)
  if not field('paused_keys') then return 0 end
  redis.call('HDEL', KEYS[1], 'paused_keys', 'paused_since', 'paused_reason')
  redis.call('HSET', KEYS[4], 'rate', 1, 'credit', 0, 'at', now)
  tell('paused', 'running', reason, by)
  return 1
end

-- window s → all there is to know
function commands.read(window_s)
  end_of_force()
  local failures = redis.call('ZCOUNT', KEYS[2], now - window_s, '+inf')
  return {tostring(now), failures, redis.call('HGETALL', KEYS[1]), redis.call('LRANGE', KEYS[3], 0, -1)}
end

return commands[ARGV[1]](unpack(ARGV, 2))

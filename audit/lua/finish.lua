-- Close a batch: every event of it is terminal and PostgreSQL has committed that.
-- KEYS batch, open, unrecorded, sent, dead   ARGV id, token
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[2] then return 0 end
redis.call('DEL', KEYS[1], KEYS[4], KEYS[5])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
return 1

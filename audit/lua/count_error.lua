-- Count an unexpected error of the stage where a batch stands.
-- KEYS batch
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
return redis.call('HINCRBY', KEYS[1], 'errors', 1)

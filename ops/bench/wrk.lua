-- Sends each line of BENCH_CORPUS once as the body of a POST, and says when the first went out and the last answer came.
local ffi = require("ffi")
ffi.cdef("typedef struct { long s; long us; } bench_time; int gettimeofday(bench_time *t, void *zone);")

local function now()
  local time = ffi.new("bench_time")
  ffi.C.gettimeofday(time, nil)
  return tonumber(time.s) + tonumber(time.us) / 1000000
end

local bodies, sent, reserved, idle = {}, 0, 0, 0
local connections = tonumber(os.getenv("BENCH_CONNECTIONS"))
local head

function init()
  head = "POST " .. wrk.path .. " HTTP/1.1\r\nHost: " .. wrk.host .. "\r\nContent-Type: application/json\r\nX-API-KEY: "
    .. os.getenv("MUTT_API_KEY") .. "\r\nContent-Length: "
  for line in io.lines(os.getenv("BENCH_CORPUS")) do bodies[#bodies + 1] = line end
end

-- Asked before each request; a connection for which nothing is left waits, and the last one to do so ends the run.
function delay()
  if reserved == 0 then io.write("begin ", string.format("%.6f", now()), "\n") end
  if reserved < #bodies then
    reserved = reserved + 1
    return 0
  end
  idle = idle + 1
  if idle == connections then
    io.write("end ", string.format("%.6f", now()), "\nsent ", sent, "\n")
    io.flush()
    wrk.thread:stop()
  end
  return 3600000
end

function request()
  if reserved == 0 then return head .. "0\r\n\r\n" end  -- wrk looks at one before it begins
  sent = sent + 1
  local body = bodies[sent]
  if not body then return "GET /livez HTTP/1.1\r\nHost: " .. wrk.host .. "\r\n\r\n" end  -- after a connection broke
  bodies[sent] = false
  return head .. #body .. "\r\n\r\n" .. body
end

function done(summary, latency)
  local errors = summary.errors
  io.write("requests ", summary.requests, "\nrefused ", errors.status, "\n")
  io.write("broken ", errors.connect + errors.read + errors.write + errors.timeout, "\n")
  for _, percent in pairs({50, 95, 99}) do
    io.write("p", percent, " ", string.format("%.3f", latency:percentile(percent) / 1000), "\n")
  end
end

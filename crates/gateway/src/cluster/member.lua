-- Says that a replica is there, and who else is.
--
-- KEYS[1]  a hash from replica to "seen card"
-- ARGV     1 replica, 2 its card ("" it leaves), 3 how long it may be silent, in ms
--
-- Answer: now; then for each replica that was seen lately its name, when it was seen, and its card.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', now) .. ' ' .. ARGV[2])
end
redis.call('PEXPIRE', KEYS[1], 3600000)
local answer, fields = { now }, redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  local seen, card = string.match(fields[i + 1], '^(%d+) (.*)$')
  if now - tonumber(seen) <= tonumber(ARGV[3]) then
    answer[#answer + 1] = fields[i]
    answer[#answer + 1] = tonumber(seen)
    answer[#answer + 1] = card
  else
    redis.call('HDEL', KEYS[1], fields[i])
  end
end
return answer

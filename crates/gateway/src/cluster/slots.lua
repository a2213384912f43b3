-- The judge of accounts' slots: what each replica may use of each account, so that all together never use
-- more than the limit. One call judges many accounts for one replica, one after the other.
--
-- KEYS[1]      when this memory began: a Redis that was emptied remembers no grants
-- KEYS[1 + i]  account i: a hash from replica to "held demand number got expires seq"
-- ARGV         1 replica, 2 its number, 3 seq, 4 lease in ms, 5 tenure in ms, 6 the beginning of the memory
--              that the replica met first ("" none yet), 7 channel; then for each account
--              id, limit, hold, demand ("leave": the replica goes)
--
-- `hold` is the most that the replica uses, or may use before it has the answer. It lowers its own number
-- before it says so here, and raises it only after it was granted: so the sum of what is held here is never
-- less than what is used. A call that is overtaken by a later one (smaller seq) changes nothing.
--
-- Answer: now, the beginning of this memory; then for each account grant, target, and whether others are
-- short (1) or not (0); or -1, the largest seq known, 0 where the call was overtaken.

local me, number, seq = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local lease, tenure, first, channel = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6], ARGV[7]
local FIXED, PER_ACCOUNT = 7, 4

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function whole(n)
  return string.format('%.0f', n)
end

redis.call('SET', KEYS[1], whole(now), 'NX')
redis.call('PEXPIRE', KEYS[1], 3600000)
local began = redis.call('GET', KEYS[1])
-- Grants of an earlier memory may still be in use, and their holders have not all said so yet: until their
-- leases have ended, nobody who knew another memory gets more than it holds.
local is_settled = first == '' or first == began or now - tonumber(began) >= lease

-- Sets the target of everyone: no more than their demand while others lack something, each at least an even
-- part of what is there; what nobody asks for is spread evenly, in advance.
local function set_targets(all, limit)
  local left, open = limit, {}
  for _, one in ipairs(all) do
    one.target = 0
    if one.demand > 0 then open[#open + 1] = one end
  end
  while #open > 0 do
    local share, rest = math.floor(left / #open), {}
    if share == 0 then break end
    for _, one in ipairs(open) do
      if one.demand - one.target <= share then
        left = left - (one.demand - one.target)
        one.target = one.demand
      else
        rest[#rest + 1] = one
      end
    end
    if #rest == #open then
      for _, one in ipairs(open) do one.target = one.target + share end
      left = left - share * #open
      break
    end
    open = rest
  end
  if #open > 0 then
    -- Fewer are left than want one: in turns. Who has just got one keeps it for a while.
    for _, one in ipairs(open) do
      one.keeps = one.held > one.target and now - one.got < tenure
    end
    table.sort(open, function(a, b)
      if a.keeps ~= b.keeps then return a.keeps end
      if a.got ~= b.got then return a.got < b.got end
      if a.rank ~= b.rank then return a.rank < b.rank end
      return a.id < b.id
    end)
    for i = 1, math.min(left, #open) do open[i].target = open[i].target + 1 end
  elseif left > 0 and #all > 0 then
    local each, over = math.floor(left / #all), left % #all
    table.sort(all, function(a, b)
      if a.demand ~= b.demand then return a.demand < b.demand end
      if a.rank ~= b.rank then return a.rank < b.rank end
      return a.id < b.id
    end)
    for i, one in ipairs(all) do
      one.target = one.target + each + (i <= over and 1 or 0)
    end
  end
end

local function judge(key, account, limit, hold, demand)
  local leaves = demand == 'leave'
  local others, held_by_others, before = {}, 0, nil
  local fields = redis.call('HGETALL', key)
  for i = 1, #fields, 2 do
    local id = fields[i]
    local held, wants, nr, got, expires, last =
      string.match(fields[i + 1], '^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+)$')
    local one = {
      id = id, held = tonumber(held), demand = tonumber(wants), got = tonumber(got),
      rank = (tonumber(nr) + account) % 64,
    }
    if id == me then
      if tonumber(last) >= tonumber(seq) then return -1, tonumber(last), 0 end
      if tonumber(expires) > now then before = one end
    elseif tonumber(expires) <= now then
      redis.call('HDEL', key, id)
    else
      others[#others + 1] = one
      held_by_others = held_by_others + one.held
    end
  end
  local all = {}
  for _, one in ipairs(others) do all[#all + 1] = one end
  local mine = { id = me, held = hold, got = before and before.got or 0, rank = (number + account) % 64 }
  if not leaves then
    mine.demand = tonumber(demand)
    all[#all + 1] = mine
  end
  set_targets(all, limit)
  local grant, held = 0, 0
  if leaves then
    mine.demand, mine.target = 0, 0
    redis.call('HDEL', key, me)
  else
    local free = math.max(0, limit - held_by_others)
    grant = math.min(free, is_settled and math.max(hold, mine.target) or hold)
    held = math.max(grant, hold)
    if grant > (before and before.held or 0) then mine.got = now end
    local record = { whole(held), whole(mine.demand), whole(number), whole(mine.got), whole(now + lease), seq }
    redis.call('HSET', key, me, table.concat(record, ' '))
    redis.call('PEXPIRE', key, 2 * lease)
  end
  -- Whoever has more than its target while this one lacks some, and whoever lacks some while some are free.
  local is_short = is_settled and mine.demand > grant and mine.target > grant
  local is_free = limit - held_by_others - held > 0
  local contested, news = 0, {}
  for _, one in ipairs(others) do
    local lacks = one.demand > one.held
    if lacks then contested = 1 end
    if (is_short and one.held > one.target) or (is_free and lacks and one.target > one.held) then
      news[#news + 1] = one.id .. '=' .. whole(one.target)
    end
  end
  if #news > 0 then
    redis.call('PUBLISH', channel, whole(account) .. ' ' .. table.concat(news, ' '))
  end
  return grant, mine.target, contested
end

local answer = { now, tonumber(began) }
for i = 2, #KEYS do
  local at = FIXED + (i - 2) * PER_ACCOUNT
  local grant, target, contested = judge(
    KEYS[i], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), ARGV[at + 4]
  )
  answer[#answer + 1] = grant
  answer[#answer + 1] = target
  answer[#answer + 1] = contested
end
return answer

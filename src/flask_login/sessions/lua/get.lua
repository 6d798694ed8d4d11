-- Read a record and, in the same step, move its last_seen_at when that is due.
--
-- KEYS[1]  the record
-- KEYS[2]  the moment before which no login counts; absent where it lives in another slot
-- ARGV[1]  now, in microseconds; empty when this is no activity, then there are no others
-- ARGV[2]  how old last_seen_at must be to be moved, in microseconds
-- ARGV[3]  that moment, for want of KEYS[2]; may be empty
--
-- Returns the record as it was found, or false; when KEYS[2] is there, {that, the moment}. Most
-- of the time it is not, and one string costs a client much less to read than a list.
--
-- The layout of a record's head is in redis_codec.py. A login that is over is left alone, also
-- when its time has run out and nobody has noticed: activity must not bring it back.

local found = redis.call('GET', KEYS[1])
local moment = KEYS[2] and redis.call('GET', KEYS[2])
if found and ARGV[1] ~= '' then
  local now = tonumber(ARGV[1])
  local _, flags, _, last, expires, idle, created = struct.unpack('>BI2I4i8i8i8i8', found)
  local brake = tonumber(moment or ARGV[3]) or created
  -- The bits 1 and 16: it has an end, and a reason for it.
  local ended = bit.band(flags, 17) ~= 0 or created < brake
  local live = not ended and now < expires and (idle < 0 or now < last + idle)
  if live and now > last and now - last >= tonumber(ARGV[2]) then
    redis.call('SETRANGE', KEYS[1], 7, struct.pack('>i8', now))
  end
end
if moment then
  return {found, moment}
end
return found

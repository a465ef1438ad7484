"""What the server does in one step: small Lua scripts, atomic, on the keys of one hash slot.

They are called by their digest; a server that has forgotten them (NOSCRIPT) did nothing, so the source is sent.
"""

import hashlib
from typing import Any, Final

from attrs import field, frozen

Command = tuple[Any, ...]

WAIT: Final = "WAIT"


class Reads(list[Command]):
    """Hold commands that change nothing: should the connection be lost, they may be sent once more.

    Those that a process sends again and again are ``packed`` once.
    """

    packed: Any = None


@frozen
class Script:
    """Hold a script's text and its digest, by which the server knows it."""

    source: str = field(repr=False)
    digest: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Compute the digest, and make the text known by it."""
        object.__setattr__(self, "digest", hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest())
        _sources[self.digest] = self.source

    def on(self, *keys: str, args: tuple[Any, ...] = ()) -> Command:
        """Give the command that runs it on these keys."""
        return ("EVALSHA", self.digest, len(keys), *keys, *args)


_sources: Final[dict[str, str]] = {}


def with_source(command: Command) -> Command:
    """Give the same call with the script's text, which the server then remembers."""
    return ("EVAL", _sources[command[1]], *command[2:])


# The row, and the epoch of the subject that the record names in its second place (see ``codec``).
LOAD: Final = Script("""
local row = redis.call('GET', KEYS[1])
if not row then return false end
local kind, two, three = string.byte(row, 5, 7)
local from, size = 6, 0
if not three then return {row, false} end
if kind > 0xa0 and kind <= 0xbf then size = kind - 0xa0
elseif kind == 0xd9 then from, size = 7, two
elseif kind == 0xda then from, size = 8, two * 256 + three
end
if size == 0 then return {row, false} end
return {row, redis.call('GET', ARGV[1] .. string.sub(row, from, from + size - 1))}
""")

_HINT: Final = """
local function hint(key, instant, sid, span)
  redis.call('ZADD', key, instant, sid)
  if redis.call('PTTL', key) < tonumber(span) then redis.call('PEXPIRE', key, span) end
end
"""

# KEYS: an index. ARGV: the instant, the selector, the span after which the index is garbage.
HINT: Final = Script(_HINT + "hint(KEYS[1], ARGV[1], ARGV[2], ARGV[3])")

# The end is stored, whoever hears of it: so a user who may not publish is no failure (pcall).
# KEYS: the row, the list of due rows, the list of ended rows, indexes to hint at.
# ARGV: old, new, selector, deadline or end, "1" if it has not ended, span, channel, instant, span of the indexes.
SWAP: Final = Script(
    _HINT
    + """
local standing = redis.call('GET', KEYS[1])
if ARGV[1] == '' then
  if standing then return 0 end
elseif standing ~= ARGV[1] then
  return 0
end
for index = 4, #KEYS do hint(KEYS[index], ARGV[8], ARGV[3], ARGV[9]) end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[6])
if ARGV[5] == '1' then
  redis.call('ZADD', KEYS[2], ARGV[4], ARGV[3])
else
  redis.call('ZREM', KEYS[2], ARGV[3])
  redis.call('ZADD', KEYS[3], ARGV[4], ARGV[3])
  redis.pcall('PUBLISH', ARGV[7], 's' .. ARGV[3])
end
return 1
"""
)

MINT: Final = Script("""
if redis.call('SETNX', KEYS[1], ARGV[1]) == 1 then return ARGV[1] end
return redis.call('GET', KEYS[1])
""")

# ARGV: the instant, the cause, the expected value or nothing, channel, subject.
SUPERSEDE: Final = Script("""
local standing = redis.call('GET', KEYS[1])
local value = standing and tonumber(string.match(standing, '^%d+'))
if ARGV[3] ~= '' and value ~= tonumber(ARGV[3]) then return false end
local moved = tonumber(ARGV[1])
if value and value + 1 > moved then moved = value + 1 end
local text = string.format('%.0f', moved)
redis.call('SET', KEYS[1], text .. ' ' .. ARGV[2])
redis.pcall('PUBLISH', ARGV[4], 'u' .. ARGV[5])
return text
""")

# KEYS: the row, the list that it is on. ARGV: the selector, and exactly what the row holds, or nothing for any.
FORGET: Final = Script("""
if ARGV[2] ~= '' and redis.call('GET', KEYS[1]) ~= ARGV[2] then return 0 end
if redis.call('ZREM', KEYS[2], ARGV[1]) == 0 then return 0 end
return redis.call('DEL', KEYS[1])
""")

# A row that its time-to-live has collected is off the list of due rows too.
UNLIST: Final = Script("""
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
return redis.call('ZREM', KEYS[2], ARGV[1])
""")

# KEYS: an index. ARGV: the selector, the instant that was read: an entry that was written again stays.
UNHINT: Final = Script("""
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 'nan') ~= tonumber(ARGV[2]) then return 0 end
return redis.call('ZREM', KEYS[1], ARGV[1])
""")

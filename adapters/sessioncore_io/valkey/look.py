"""Look a Valkey server over: what an acknowledged logout is worth there, in plain words."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from valkey.exceptions import ResponseError

from sessioncore import State

from ..codec import readable
from ..operating import Census, Finding
from .keys import Keys
from .scripts import Reads
from .talk import Talk, read

Count = tuple[Counter[State | None], int]

PAGE: Final = 500

# The kinds of keys (see ``keys``).
ROWS: Final = "s"
EPOCHS: Final = "e"
KINDS: Final = (ROWS, EPOCHS, "d", "x", "m", "u", "p")

EVICTS: Final = (
    "when memory runs out it drops sessions (their users are logged out), tombstones and perhaps epochs (a reset is "
    "forgotten): set maxmemory-policy noeviction"
)
FORGETS: Final = (
    "nothing is written to disk: a server that starts anew knows no session, and no reset either; "
    "for acknowledged logouts that last, set appendonly yes and appendfsync always"
)
SNAPSHOTS: Final = (
    "only snapshots are written: a crash brings back what was logged out since the last one; "
    "set appendonly yes and appendfsync always"
)
LAGS: Final = (
    "a crash of the machine brings back what was logged out within the last second or so; "
    "set appendfsync always for acknowledged logouts that last"
)
REPLICATES: Final = (
    "a replica that takes over may not have heard of the last logouts: they come back; "
    "set min-replicas-to-write 1 and min-replicas-max-lag, and pass replicas=1 to the store"
)
UNCHECKED: Final = "the service does not let us look: ask its operator about it"

SETTINGS: Final = ("maxmemory-policy", "appendonly", "appendfsync", "save", "min-replicas-to-write")


def looked() -> Talk[list[Finding]]:
    """Ask one server for its version and settings, and judge them."""
    replies = yield Reads([("INFO", "all"), *(("CONFIG", "GET", name) for name in SETTINGS)])
    info = _facts(replies[0])
    if not info:
        return [Finding(what="settings", value="unknown", advice=f"INFO: {UNCHECKED}")]
    config = {name: _setting(reply) for name, reply in zip(SETTINGS, replies[1:], strict=True)}
    config["maxmemory-policy"] = config["maxmemory-policy"] or info.get("maxmemory_policy")
    config["appendonly"] = config["appendonly"] or {"1": "yes", "0": "no"}.get(info.get("aof_enabled", ""))
    return list(_judged(info, config))


def _facts(reply: Any) -> dict[str, str]:
    """Read INFO."""
    if isinstance(reply, Exception):
        return {}
    lines = (line.partition(":") for line in reply.decode(errors="replace").splitlines())
    return {name: value for name, separator, value in lines if separator}


def _setting(reply: Any) -> str | None:
    """Read CONFIG GET; None if the service forbids it."""
    if isinstance(reply, ResponseError) or len(reply) != 2:
        return None
    return str(reply[1].decode())


def _judged(info: Mapping[str, str], config: Mapping[str, str | None]) -> Iterator[Finding]:
    name = "Valkey" if "valkey_version" in info else "Redis"
    yield Finding(what="server", value=f"{name} {info.get('valkey_version') or info.get('redis_version', 'unknown')}")
    yield Finding(what="memory", value=f"{info.get('used_memory_human', '?')} of {_limit(info)}")
    yield _known("eviction", config["maxmemory-policy"], lambda policy: "" if policy == "noeviction" else EVICTS)
    yield _persistence(config)
    connected = info.get("connected_slaves", "0")
    alone = connected == "0" or config["min-replicas-to-write"] not in (None, "0")
    yield Finding(what="replicas", value=connected, advice="" if alone else REPLICATES)


def _limit(info: Mapping[str, str]) -> str:
    return info.get("maxmemory_human", "?") if info.get("maxmemory", "0") != "0" else "all there is"


def _known(what: str, value: str | None, advice: Callable[[str], str]) -> Finding:
    if value is None:
        return Finding(what=what, value="unknown", advice=UNCHECKED)
    return Finding(what=what, value=value, advice=advice(value))


def _persistence(config: Mapping[str, str | None]) -> Finding:
    if config["appendonly"] == "yes":
        return _known("persistence", config["appendfsync"], lambda sync: "" if sync == "always" else LAGS)
    if config["appendonly"] is None or config["save"] is None:
        return Finding(what="persistence", value="unknown", advice=UNCHECKED)
    return Finding(what="persistence", value=config["save"] or "none", advice=SNAPSHOTS if config["save"] else FORGETS)


class Told:
    """Add up what was counted, for somebody who watches."""

    def __init__(self, progress: Callable[[int], object]) -> None:
        self._progress, self._so_far = progress, 0

    def add(self, count: int) -> None:
        """Tell how many there are by now."""
        self._so_far += count
        self._progress(self._so_far)


def counted(keys_of: Keys, kind: str, progress: Callable[[int], object]) -> Talk[Count]:
    """Walk over the keys of one server that are of a kind: how many by state, and their bytes."""
    cursor, states, size = 0, Counter[State | None](), 0
    while True:
        ((following, keys),) = yield from read(("SCAN", cursor, "MATCH", keys_of.pattern(kind), "COUNT", PAGE))
        size += sum((yield from read(*(("MEMORY", "USAGE", key, "SAMPLES", 0) for key in keys if key is not None))))
        if kind == ROWS:
            records = yield from read(*(("GET", key) for key in keys))
            states.update(_state(keys_of.sid_of(key), record) for key, record in zip(keys, records, strict=True))
            progress(len(keys))
        else:
            states[None] += len(keys)
        cursor = int(following)
        if cursor == 0:
            return states, size


def _state(sid: str, record: bytes | None) -> State | None:
    row = readable(sid, record, quiet=True)
    return row.state if row is not None else None


def census(parts: Sequence[tuple[str, Count]]) -> Census:
    """Add up what was counted on each server."""
    rows = sum((states for kind, (states, _) in parts if kind == ROWS), Counter[State | None]())
    return Census(
        by_state={state: rows[state] for state in State},
        unreadable=rows[None],
        subjects=sum(states.total() for kind, (states, _) in parts if kind == EPOCHS),
        size=sum(size for _, (_, size) in parts),
    )

"""The statements, as the server gets them; ``sql/`` beside this file says what the tables are."""

from typing import Final

LISTEN: Final = b"LISTEN sessioncore"

# An unknown row cannot be told from one that a replica has not got yet, and is dead either way.
LOAD: Final = b"""
SELECT s.record, s.subject, e.value, e.cause, pg_is_in_recovery()
FROM sessioncore.sessions s LEFT JOIN sessioncore.epochs e ON e.subject = s.subject WHERE s.sid = $1
"""

INSERT: Final = b"""
INSERT INTO sessioncore.sessions (sid, version, deadline, sweep_at, ended_at, subject, issuer, upstream, record)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (sid) DO NOTHING RETURNING true
"""

_SET: Final = b"""
UPDATE sessioncore.sessions AS s SET version = $2, deadline = $3, sweep_at = $4, ended_at = $5, subject = $6,
issuer = $7, upstream = $8, record = $9
"""

# The whole record: a crash can take back a Touch or a Write, whose version is then given again.
_WHERE: Final = b" WHERE s.sid = $1 AND s.version = $10 AND s.record = $11 AND s.ended_at = 9007199254740992 "

UPDATE: Final = _SET + _WHERE + b"RETURNING true"

# A Touch or a Write does not wait for the disk: its setting is that of the statement's own transaction.
UPDATE_LIGHTLY: Final = (
    _SET
    + b"FROM (SELECT set_config('synchronous_commit', 'off', true)) AS lightly"
    + _WHERE
    + b"RETURNING lightly.set_config"
)

# The notification is part of the transaction that ends the row: it is heard exactly if that commits.
END: Final = (
    b"WITH done AS (" + _SET + _WHERE + b"RETURNING s.sid) SELECT pg_notify('sessioncore', 'sid:' || sid) FROM done"
)

EPOCH: Final = b"SELECT value, cause, pg_is_in_recovery() FROM sessioncore.epochs WHERE subject = $1"

# Writing the value that stands makes the statement wait for a parallel insert, and return what that one left.
MINT: Final = b"""
INSERT INTO sessioncore.epochs AS e (subject, value) VALUES ($1, $2)
ON CONFLICT (subject) DO UPDATE SET value = e.value RETURNING value, cause
"""

SUPERSEDE: Final = b"""
WITH moved AS (INSERT INTO sessioncore.epochs AS e (subject, value, cause) VALUES ($1, $2, $3)
ON CONFLICT (subject) DO UPDATE SET value = greatest(e.value + 1, $2), cause = $3 RETURNING subject, value)
"""

SUPERSEDE_EXPECTED: Final = b"""
WITH moved AS (UPDATE sessioncore.epochs SET value = greatest(value + 1, $2), cause = $3
WHERE subject = $1 AND value = $4 RETURNING subject, value)
"""

MOVED: Final = b"SELECT value FROM moved"
ANNOUNCE_MOVED: Final = b"SELECT value, pg_notify('sessioncore', 'subject:' || subject) FROM moved"

OF_SUBJECT: Final = b"SELECT sid, record FROM sessioncore.sessions WHERE subject = $1 AND subject <> ''"
LIVING: Final = OF_SUBJECT + b" AND ended_at = 9007199254740992"
OF_UPSTREAM: Final = (
    b"SELECT sid, record FROM sessioncore.sessions WHERE issuer = $1 AND upstream = $2 AND issuer <> ''"
)

# By the index on sweep_at, page after page; the order is that of the deadline, whose whole hours sweep_at holds.
DUE: Final = b"""
SELECT sid, record, sweep_at, deadline FROM sessioncore.sessions
WHERE ended_at = 9007199254740992 AND sweep_at <= $1 AND deadline <= $1 AND (sweep_at, deadline, sid) > ($2, $3, $4)
ORDER BY sweep_at, deadline, sid LIMIT $5
"""
FIRST: Final = (-1, -1, "")

# Rows that somebody else is purging are left to them: nobody waits, and no lock outlives a batch.
PURGE: Final = b"""
WITH old AS (SELECT sid FROM sessioncore.sessions WHERE ended_at < 9007199254740992 AND ended_at < $1
ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED),
gone AS (DELETE FROM sessioncore.sessions s USING old WHERE s.sid = old.sid RETURNING 1) SELECT count(*) FROM gone
"""

PURGE_MARKS: Final = b"""
WITH old AS (SELECT name FROM sessioncore.marks WHERE until < $1 LIMIT $2 FOR UPDATE SKIP LOCKED),
gone AS (DELETE FROM sessioncore.marks m USING old WHERE m.name = old.name RETURNING 1) SELECT count(*) FROM gone
"""

# Exactly the bytes that could not be read: a request that loaded the row before they were spoilt may end it yet.
FORGET: Final = b"""
DELETE FROM sessioncore.sessions WHERE sid = $1 AND record = $2 AND ended_at = 9007199254740992 RETURNING true
"""

MARK: Final = (
    b"INSERT INTO sessioncore.marks (name, until) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING true"
)
MARK_LONGER: Final = b"UPDATE sessioncore.marks SET until = greatest(until, $2) WHERE name = $1 RETURNING true"

VERSION: Final = b"SELECT version FROM sessioncore.schema_version"

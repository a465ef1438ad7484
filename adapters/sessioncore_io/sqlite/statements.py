"""What the SQLite store says to SQLite."""

from typing import Final

from sessioncore.records import NEVER

SCHEMA_VERSION: Final = 1

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS sessions (
    sid TEXT PRIMARY KEY, version INTEGER NOT NULL, proof TEXT NOT NULL, subject TEXT NOT NULL,
    issuer TEXT NOT NULL, upstream TEXT NOT NULL,
    deadline INTEGER NOT NULL, ended_at INTEGER NOT NULL, record BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sessions_of_subject ON sessions (subject) WHERE subject <> '';
CREATE INDEX IF NOT EXISTS sessions_living ON sessions (subject) WHERE ended_at = 9007199254740992 AND subject <> '';
CREATE INDEX IF NOT EXISTS sessions_of_upstream ON sessions (issuer, upstream) WHERE issuer <> '';
CREATE INDEX IF NOT EXISTS sessions_due ON sessions (deadline) WHERE ended_at = 9007199254740992;
CREATE INDEX IF NOT EXISTS sessions_ended ON sessions (ended_at) WHERE ended_at < 9007199254740992;
CREATE TABLE IF NOT EXISTS epochs (
    subject TEXT PRIMARY KEY, value INTEGER NOT NULL, cause TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
"""

# One statement, so one moment: another process may be making the tables.
WHOSE: Final = "SELECT (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_master)"

LOAD: Final = """
SELECT s.record, s.subject, e.value, e.cause FROM sessions s LEFT JOIN epochs e ON e.subject = s.subject WHERE s.sid = ?
"""

INSERT: Final = """
INSERT INTO sessions (sid, version, proof, subject, issuer, upstream, deadline, ended_at, record)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""

# A version never comes back in a row's life, so (version, proof) name exactly one record.
UPDATE: Final = """
UPDATE sessions SET version = ?, proof = ?, subject = ?, issuer = ?, upstream = ?, deadline = ?, ended_at = ?,
record = ?
WHERE sid = ? AND version = ? AND proof = ? AND ended_at = 9007199254740992
"""

OF_SUBJECT: Final = "SELECT sid, record FROM sessions WHERE subject = ? AND subject <> ''"
LIVING: Final = f"{OF_SUBJECT} AND ended_at = {NEVER}"

DUE: Final = """
SELECT sid, record FROM sessions WHERE ended_at = 9007199254740992 AND deadline <= ? ORDER BY deadline
"""

SUPERSEDE: Final = """
INSERT INTO epochs (subject, value, cause) VALUES (:subject, :at, :cause)
ON CONFLICT (subject) DO UPDATE SET value = max(value + 1, :at), cause = :cause RETURNING value
"""

SUPERSEDE_EXPECTED: Final = """
UPDATE epochs SET value = max(value + 1, :at), cause = :cause
WHERE subject = :subject AND value = :expected RETURNING value
"""

MARK: Final = "INSERT INTO marks (name, until) VALUES (?, ?) ON CONFLICT DO NOTHING"

PURGE: Final = """
DELETE FROM sessions WHERE sid IN (SELECT sid FROM sessions
WHERE ended_at < 9007199254740992 AND ended_at < ? ORDER BY ended_at LIMIT ?)
"""

# Exactly the bytes that could not be read: a request that loaded the row before they were spoilt may end it yet.
FORGET: Final = "DELETE FROM sessions WHERE sid = ? AND record = ? AND ended_at = 9007199254740992"

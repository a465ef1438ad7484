-- Version 1 of sessioncore's tables. `sessioncore store init` runs this file in one transaction; so may a DBA:
--   psql --single-transaction --file 001_sessions.sql
-- Every instant is an integer of milliseconds since the Unix epoch; 9007199254740992 (2^53) stands for "never".

CREATE SCHEMA sessioncore;

-- One row, in which the version of all these tables stands.
CREATE TABLE sessioncore.schema_version (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    version integer NOT NULL
);

-- `record` is the session; the columns beside it are what statements list by. A swap compares the whole record, so no
-- statement depends on an isolation level, nor on a version that a crash took back and somebody wrote again.
-- `sweep_at` is the deadline, rounded down to a whole hour: it is indexed and the deadline is not, so a touch
-- changes no indexed column and stays on its page (a HOT update), for which the fill factor leaves room.
CREATE TABLE sessioncore.sessions (
    sid      text COLLATE "C" PRIMARY KEY,
    version  bigint NOT NULL,
    deadline bigint NOT NULL,
    sweep_at bigint NOT NULL,
    ended_at bigint NOT NULL,
    subject  text COLLATE "C" NOT NULL,
    issuer   text COLLATE "C" NOT NULL,
    upstream text COLLATE "C" NOT NULL,
    record   bytea NOT NULL
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05);

-- A small record is not worth an attempt at compression, a large one is.
ALTER TABLE sessioncore.sessions ALTER COLUMN record SET STORAGE MAIN;

CREATE INDEX sessions_of_subject ON sessioncore.sessions (subject, ended_at) WHERE subject <> '';
CREATE INDEX sessions_of_upstream ON sessioncore.sessions (issuer, upstream) WHERE issuer <> '';
CREATE INDEX sessions_due ON sessioncore.sessions (sweep_at) WHERE ended_at = 9007199254740992;
CREATE INDEX sessions_ended ON sessioncore.sessions (ended_at) WHERE ended_at < 9007199254740992;

-- One number a subject; a session whose stamp differs from it is dead.
CREATE TABLE sessioncore.epochs (
    subject text COLLATE "C" PRIMARY KEY,
    value   bigint NOT NULL,
    cause   text
);

-- Names that were seen, such as a token's identifier, until an instant.
CREATE TABLE sessioncore.marks (
    name  text COLLATE "C" PRIMARY KEY,
    until bigint NOT NULL
);

CREATE INDEX marks_until ON sessioncore.marks (until);

INSERT INTO sessioncore.schema_version (version) VALUES (1);

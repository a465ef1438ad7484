-- Least privilege: one role owns the tables and migrates them, another serves requests. Run this after
-- 001_sessions.sql as the tables' owner, then `GRANT sessioncore_application TO` the role that your application uses.

DO $$ BEGIN
    CREATE ROLE sessioncore_application NOLOGIN;
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;

GRANT USAGE ON SCHEMA sessioncore TO sessioncore_application;
GRANT SELECT ON sessioncore.schema_version TO sessioncore_application;
GRANT SELECT, INSERT, UPDATE, DELETE ON sessioncore.sessions, sessioncore.marks TO sessioncore_application;

-- An epoch is never removed: without it, its subject's sessions are dead, and with an older one they would not be.
GRANT SELECT, INSERT, UPDATE ON sessioncore.epochs TO sessioncore_application;

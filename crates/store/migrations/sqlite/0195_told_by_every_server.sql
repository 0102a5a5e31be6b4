-- How each job that one server does for all ended the last time, and at which: the System page of every server tells it.
CREATE TABLE job_run (
    name TEXT NOT NULL PRIMARY KEY,
    server_id TEXT NOT NULL,
    ended_at TEXT NOT NULL,
    took_ms BIGINT NOT NULL,
    is_good BOOLEAN NOT NULL,
    good_at TEXT
);
-- The last backup that was begun on the System page, one row. Whoever makes it says every few seconds that it is under way.
CREATE TABLE backup_by_hand (
    id SMALLINT NOT NULL PRIMARY KEY,
    server_id TEXT NOT NULL,
    begun_at TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    ended_at TEXT,
    failed TEXT
);

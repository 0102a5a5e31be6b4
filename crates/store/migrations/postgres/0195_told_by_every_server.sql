-- How each job that one server does for all ended the last time, and at which: the System page of every server tells it.
CREATE TABLE job_run (
    name TEXT NOT NULL PRIMARY KEY,
    server_id TEXT NOT NULL,
    ended_at TIMESTAMPTZ NOT NULL,
    took_ms BIGINT NOT NULL,
    is_good BOOLEAN NOT NULL,
    good_at TIMESTAMPTZ
);
-- The last backup that was begun on the System page, one row. Whoever makes it says every few seconds that it is under way.
CREATE TABLE backup_by_hand (
    id SMALLINT NOT NULL PRIMARY KEY,
    server_id TEXT NOT NULL,
    begun_at TIMESTAMPTZ NOT NULL,
    seen_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ,
    failed TEXT
);

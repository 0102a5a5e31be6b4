-- Options that were set while a server ran.
CREATE TABLE setting (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL,
    changed_at TEXT NOT NULL
);
-- The servers on this database; on SQLite there is one, and no row.
CREATE TABLE server (
    id TEXT NOT NULL PRIMARY KEY,
    host TEXT NOT NULL,
    address TEXT NOT NULL,
    version TEXT NOT NULL,
    started_at TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    does_jobs BOOLEAN NOT NULL
);

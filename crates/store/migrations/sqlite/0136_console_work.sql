-- What somebody has set going in the console and what goes on when its page is left: a file that is looked through or
-- taken in. of_all is 0 as long as nobody knows how many there are. seen_at is when the server that does it last said so,
-- told_at when its end was shown; outcome is JSON.
CREATE TABLE console_work (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id BIGINT NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    list TEXT NOT NULL,
    file_name TEXT NOT NULL,
    stores BOOLEAN NOT NULL,
    done BIGINT NOT NULL,
    of_all BIGINT NOT NULL,
    begun_at TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    ended_at TEXT,
    told_at TEXT,
    outcome TEXT
);
CREATE INDEX console_work_user ON console_work (user_id, id);

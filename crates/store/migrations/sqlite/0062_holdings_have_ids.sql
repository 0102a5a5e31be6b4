-- Lists of holdings go by id.
CREATE TEMPORARY TABLE kept AS SELECT * FROM terminal_holding;
DROP TABLE terminal_holding;
CREATE TABLE terminal_holding (
    terminal_id BIGINT NOT NULL REFERENCES terminal (id) ON DELETE CASCADE,
    pin TEXT NOT NULL,
    thing TEXT NOT NULL,
    own BOOLEAN NOT NULL,
    may_hold BOOLEAN NOT NULL,
    has_digest BLOB,
    seen_digest BLOB,
    seen_at TEXT,
    told_command BIGINT,
    told_digest BLOB,
    tries SMALLINT NOT NULL,
    retry_at TEXT,
    failed_code BIGINT,
    failed_digest BLOB,
    changed_at TEXT NOT NULL,
    id INTEGER PRIMARY KEY AUTOINCREMENT
);
INSERT INTO terminal_holding (terminal_id, pin, thing, own, may_hold, has_digest, seen_digest, seen_at, told_command,
        told_digest, tries, retry_at, failed_code, failed_digest, changed_at)
    SELECT terminal_id, pin, thing, own, may_hold, has_digest, seen_digest, seen_at, told_command, told_digest, tries,
        retry_at, failed_code, failed_digest, changed_at FROM kept;
DROP TABLE kept;
CREATE UNIQUE INDEX terminal_holding_once ON terminal_holding (terminal_id, pin, thing);
CREATE INDEX terminal_holding_pin ON terminal_holding (pin);
CREATE INDEX terminal_holding_told ON terminal_holding (told_command) WHERE told_command IS NOT NULL;
CREATE INDEX terminal_holding_retry ON terminal_holding (retry_at) WHERE retry_at IS NOT NULL;

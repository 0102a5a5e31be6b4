-- What a terminal holds of each person, thing by thing: `user` is the record, `door` the leave to pass
-- an access terminal, `bio TYPE NO INDEX` a template, `photo TYPE` the picture a face is enrolled by,
-- `picture` the one on the screen. `has_digest`: what it is known to have; NULL and `may_hold`: something,
-- nobody knows what; NULL alone: nothing. `told_command` is to change that, to `told_digest` or, NULL, to
-- nothing; the command's own state says how far that has come. `own`: it brought this itself, and was never
-- told. `seen_*`: as it showed it last. `failed_*`: what it could not be given, for good or until `retry_at`.
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
    PRIMARY KEY (terminal_id, pin, thing)
);
CREATE INDEX terminal_holding_pin ON terminal_holding (pin);
CREATE INDEX terminal_holding_told ON terminal_holding (told_command) WHERE told_command IS NOT NULL;
CREATE INDEX terminal_holding_retry ON terminal_holding (retry_at) WHERE retry_at IS NOT NULL;

-- What was told before nobody had proved.
INSERT INTO terminal_holding (terminal_id, pin, thing, own, may_hold, has_digest, tries, changed_at)
    SELECT terminal_id, pin, 'user', digest IS NULL, TRUE, digest, 0, changed_at FROM terminal_person;
DROP TABLE terminal_person;

-- Whom a command is about: only commands about the same person wait for one another. `overtaken`: a later
-- one says otherwise, so this is never sent again.
ALTER TABLE terminal_command ADD COLUMN pin TEXT;
ALTER TABLE terminal_command ADD COLUMN overtaken BOOLEAN NOT NULL DEFAULT FALSE;
DROP INDEX terminal_command_open;
CREATE INDEX terminal_command_open ON terminal_command (terminal_id, wire_id)
    WHERE state IN ('queued', 'sent');

-- All people of a terminal are to be compared, from this PIN on; NULL: none are.
ALTER TABLE terminal ADD COLUMN people_due_from TEXT;
UPDATE terminal SET people_due_from = '';
-- The CLEAR DATA after which it is left empty.
ALTER TABLE terminal ADD COLUMN cleared_by BIGINT;

-- Tells one template or picture from another without opening it; NULL on rows older than this column.
ALTER TABLE biometric ADD COLUMN digest BLOB;

-- The algorithms a terminal has shown by the templates and pictures it sent: the rows, the wire's type, the
-- version when the rows say it.
CREATE TABLE terminal_algorithm (
    terminal_id BIGINT NOT NULL REFERENCES terminal (id) ON DELETE CASCADE,
    source TEXT NOT NULL,
    wire_type SMALLINT NOT NULL,
    major_ver TEXT NOT NULL,
    PRIMARY KEY (terminal_id, source, wire_type, major_ver)
);
INSERT INTO terminal_algorithm (terminal_id, source, wire_type, major_ver)
    SELECT DISTINCT t.id, b.source, b.wire_type, b.major_ver
    FROM biometric AS b JOIN terminal AS t ON t.sn = b.terminal_sn;

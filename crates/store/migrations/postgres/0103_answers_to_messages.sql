-- The last command that told a terminal of a message, until its answer was looked at; when it is told once more
-- because that failed, and how often it has.
ALTER TABLE terminal_message ADD COLUMN told_command BIGINT;
ALTER TABLE terminal_message ADD COLUMN tries SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE terminal_message ADD COLUMN retry_at TIMESTAMPTZ;
CREATE INDEX terminal_message_told ON terminal_message (told_command) WHERE told_command IS NOT NULL;
CREATE INDEX terminal_message_retry ON terminal_message (retry_at) WHERE retry_at IS NOT NULL;

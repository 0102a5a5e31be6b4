-- A work may also be a file that is written and sent.
ALTER TABLE console_work ADD COLUMN sends BOOLEAN NOT NULL DEFAULT FALSE;

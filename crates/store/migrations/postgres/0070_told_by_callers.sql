-- What a terminal is asked to send again at its next handshake: '', 'attlog' or 'all'.
ALTER TABLE terminal ADD COLUMN upload_again TEXT NOT NULL DEFAULT '';
-- How many seconds its clock was ahead, and when that was seen.
ALTER TABLE terminal ADD COLUMN clock_drift_s BIGINT;
ALTER TABLE terminal ADD COLUMN clock_seen_at TIMESTAMPTZ;

CREATE INDEX terminal_command_by_terminal ON terminal_command (terminal_id, id);
CREATE INDEX terminal_command_by_state ON terminal_command (state, id);
CREATE INDEX terminal_command_by_time ON terminal_command (created_at, id);

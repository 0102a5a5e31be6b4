-- The command that a terminal has confirmed a thing by. Its error log may say later that it could make nothing of it.
ALTER TABLE terminal_holding ADD COLUMN done_command BIGINT;

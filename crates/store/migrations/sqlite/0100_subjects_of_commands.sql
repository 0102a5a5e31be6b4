-- What a command sets: one that was never answered is not sent again behind a later one about the same.
ALTER TABLE terminal_command ADD COLUMN subject TEXT;

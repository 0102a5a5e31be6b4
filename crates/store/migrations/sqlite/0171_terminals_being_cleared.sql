-- Each answer to a command asks whether its terminal is being cleared; hardly one ever is.
CREATE INDEX terminal_cleared ON terminal (id) WHERE cleared_by IS NOT NULL;

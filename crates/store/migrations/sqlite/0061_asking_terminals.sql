-- When a terminal was last asked to show its people, and the command that asks until its answer was looked
-- at; the last day whose punches were counted there, and the command.
ALTER TABLE terminal ADD COLUMN people_asked_at TEXT;
ALTER TABLE terminal ADD COLUMN people_question BIGINT;
ALTER TABLE terminal ADD COLUMN punches_counted_on TEXT;
ALTER TABLE terminal ADD COLUMN punches_question BIGINT;

-- How often people, messages and trees changed: what was counted of people counts while it is the same.
ALTER TABLE company ADD COLUMN people_changes INTEGER NOT NULL DEFAULT 0;

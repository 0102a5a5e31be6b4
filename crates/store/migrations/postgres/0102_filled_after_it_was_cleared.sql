-- A cleared terminal is to be filled again once it has said what became of the clearing.
ALTER TABLE terminal ADD COLUMN fill_again BOOLEAN NOT NULL DEFAULT FALSE;

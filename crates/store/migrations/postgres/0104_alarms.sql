-- The last alarm a terminal has logged, and when it went off; NULL: it was cancelled then.
ALTER TABLE terminal ADD COLUMN alarm TEXT;
ALTER TABLE terminal ADD COLUMN alarm_at TIMESTAMPTZ;

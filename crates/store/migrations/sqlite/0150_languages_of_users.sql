-- What a user reads the console in, as a tag such as hi; null: as the browser asks.
ALTER TABLE app_user ADD COLUMN language TEXT;

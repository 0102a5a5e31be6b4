-- What API clients are limited to, as roles are: comma lists, or nothing for no limit.
ALTER TABLE api_client ADD COLUMN companies TEXT;
ALTER TABLE api_client ADD COLUMN areas TEXT;
ALTER TABLE api_client ADD COLUMN departments TEXT;

-- A database that comes from PostgreSQL may have months in an archive there: what terminals send again of the time before
-- this is known, though it is not here. The rest of this step is PostgreSQL's.
ALTER TABLE punch_counter ADD COLUMN archived_before TEXT;

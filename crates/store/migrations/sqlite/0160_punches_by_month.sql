-- A database that comes from PostgreSQL may have months in an archive there: what terminals send again of the time before
-- this is known, though it is not here. The rest of this step is PostgreSQL's.
ALTER TABLE punch_counter ADD COLUMN archived_before TEXT;

-- What lists do not show is not in the index by which they are walked: then it alone tells where a far page begins.
DROP INDEX punch_transaction;
CREATE UNIQUE INDEX punch_transaction ON punch (transaction_id) WHERE transaction_id IS NOT NULL AND hidden_at IS NULL;

-- The newest of the punches whose PIN nobody has, without sorting all of them.
CREATE INDEX punch_unregistered_newest ON punch (id) WHERE transaction_id IS NULL;

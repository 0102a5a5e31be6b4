-- A transaction can be hidden, and shown again: its row stays as it was sent, with `hidden_at`. How often that was done.
ALTER TABLE punch_counter ADD COLUMN hidings INTEGER NOT NULL DEFAULT 0;
CREATE INDEX punch_hidden ON punch (transaction_id) WHERE transaction_id IS NOT NULL AND hidden_at IS NOT NULL;

-- Messages are found by what they say, and told until they end.
ALTER TABLE public_message ADD COLUMN end_local TIMESTAMP NOT NULL DEFAULT '9999-12-31 23:59:59';
ALTER TABLE public_message ADD COLUMN search_text TEXT NOT NULL DEFAULT '';
ALTER TABLE private_message ADD COLUMN end_local TIMESTAMP NOT NULL DEFAULT '9999-12-31 23:59:59';
ALTER TABLE private_message ADD COLUMN search_text TEXT NOT NULL DEFAULT '';
CREATE INDEX public_message_end ON public_message (end_local);
CREATE INDEX private_message_end ON private_message (end_local);

-- The last number a terminal was given for a message.
ALTER TABLE terminal ADD COLUMN last_message_uid BIGINT NOT NULL DEFAULT 1000;

-- Which terminal was told of which message, by its number there. Without a message: it is gone, and the
-- terminal is still to be told so.
CREATE TABLE terminal_message (
    terminal_id BIGINT NOT NULL REFERENCES terminal (id) ON DELETE CASCADE,
    uid BIGINT NOT NULL,
    public_message_id BIGINT REFERENCES public_message (id) ON DELETE SET NULL,
    private_message_id BIGINT REFERENCES private_message (id) ON DELETE SET NULL,
    pin TEXT NOT NULL,
    digest BYTEA NOT NULL,
    told_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (terminal_id, uid)
);
CREATE UNIQUE INDEX terminal_message_public ON terminal_message (public_message_id, terminal_id);
CREATE UNIQUE INDEX terminal_message_private ON terminal_message (private_message_id, terminal_id);

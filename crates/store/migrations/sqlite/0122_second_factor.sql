-- The second thing a user shows at the sign-in: a code his telephone works out from a secret, once he has shown that
-- it does (confirmed_at). last_step is the newest code that was taken: none is taken twice.
CREATE TABLE second_factor (
    user_id INTEGER PRIMARY KEY REFERENCES app_user (id) ON DELETE CASCADE,
    secret_sealed BLOB NOT NULL,
    last_step BIGINT NOT NULL DEFAULT 0,
    failures BIGINT NOT NULL DEFAULT 0,
    failed_at TEXT,
    created_at TEXT NOT NULL,
    confirmed_at TEXT
);

-- What helps when the telephone is lost, each once.
CREATE TABLE recovery_code (
    user_id BIGINT NOT NULL REFERENCES second_factor (user_id) ON DELETE CASCADE,
    digest BLOB NOT NULL,
    PRIMARY KEY (user_id, digest)
);

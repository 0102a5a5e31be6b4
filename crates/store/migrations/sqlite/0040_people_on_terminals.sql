-- What a terminal holds of people, as far as it was told or told us: by it the difference to what it
-- should hold is known. `digest` is of the record it was given; NULL: it has one of its own.
CREATE TABLE terminal_person (
    terminal_id BIGINT NOT NULL REFERENCES terminal (id) ON DELETE CASCADE,
    pin TEXT NOT NULL,
    digest BLOB,
    changed_at TEXT NOT NULL,
    PRIMARY KEY (terminal_id, pin)
);
CREATE INDEX terminal_person_pin ON terminal_person (pin);

-- Transactions are asked for by code, of people who are gone too.
CREATE INDEX punch_pin ON punch (pin, punch_local) WHERE transaction_id IS NOT NULL;

-- Resignations whose day has come, and people whose time begins or ends.
CREATE INDEX resignation_day ON resignation (resign_on) WHERE ended_at IS NULL;
CREATE INDEX employee_validity_start ON employee (validity_start_on) WHERE validity_start_on IS NOT NULL;
CREATE INDEX employee_validity_end ON employee (validity_end_on) WHERE validity_end_on IS NOT NULL;

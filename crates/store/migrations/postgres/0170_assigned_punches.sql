-- A punch that was given to an employee (a transaction of its own) and the hidden one, as it was sent, that it was made of.
CREATE TABLE punch_assignment (
    punch_id BIGINT PRIMARY KEY,
    sent_id BIGINT NOT NULL
);
CREATE UNIQUE INDEX punch_assignment_sent_once ON punch_assignment (sent_id);

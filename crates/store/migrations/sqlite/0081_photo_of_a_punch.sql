-- A punch's photo is looked for by terminal, person and second.
CREATE INDEX punch_photo_punch ON punch_photo (terminal_sn, pin, taken_local);

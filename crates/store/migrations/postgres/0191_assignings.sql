-- How often unregistered punches got their person, or lost him: with the hidings all that happens to punches but their coming.
ALTER TABLE punch_counter ADD COLUMN assignings BIGINT NOT NULL DEFAULT 0;

-- A search of people looks into all that is written about them, one of resignations into the reasons. Letters are folded
-- by the server, so a job writes these texts for the rows that are there; null: it is still to be written.
ALTER TABLE employee ADD COLUMN search_more TEXT;
CREATE INDEX employee_search_due ON employee (id) WHERE search_more IS NULL;
ALTER TABLE resignation ADD COLUMN search_text TEXT;
CREATE INDEX resignation_search_due ON resignation (id) WHERE search_text IS NULL;
-- A terminal's address changes when it tells another, so a search looks at the address itself: the text keeps its name and
-- its number. One that listed itself had both in one part.
UPDATE terminal SET search_text = lower(alias) || chr(31) || lower(sn) WHERE position(chr(31) IN search_text) = 0;
UPDATE terminal SET search_text = split_part(search_text, chr(31), 1) || chr(31) || lower(sn);
-- As 0130 has it.
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX employee_more_parts ON employee USING gin (search_more gin_trgm_ops);
EXCEPTION
    WHEN feature_not_supported OR undefined_file OR insufficient_privilege THEN
        RAISE WARNING 'searches read all people, for pg_trgm cannot be added: %', SQLERRM;
END $$;

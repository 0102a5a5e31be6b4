-- A search reads the people whose texts have its letters in threes, not all of them. The index takes an
-- extension that comes with PostgreSQL and that the owner of a database may add; where it cannot be had,
-- searches read as before.
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX employee_parts ON employee USING gin (search_text gin_trgm_ops);
    DROP INDEX employee_search;
EXCEPTION
    WHEN feature_not_supported OR undefined_file OR insufficient_privilege THEN
        RAISE WARNING 'searches read all people, for pg_trgm cannot be added: %', SQLERRM;
END $$;

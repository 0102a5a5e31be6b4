-- record_punches with one change of the counter for two, and each code looked up by the index: a join read all employees for
-- every group while the table is small. What it does is the same as before.
--
-- In a function each statement sees what was committed before it began. So whoever waits here for the counter's row sees
-- everything that the one before it stored, employees too.
CREATE OR REPLACE FUNCTION record_punches(
    company TEXT, upload TIMESTAMPTZ, terminal_ids BIGINT[], terminal_sns TEXT[], terminal_aliases TEXT[], area_ids BIGINT[],
    area_names TEXT[], pins TEXT[], locals TIMESTAMP[], instants TIMESTAMPTZ[], states SMALLINT[], verify_types SMALLINT[],
    verify_bits TEXT[], work_codes TEXT[], masks SMALLINT[], temperatures DOUBLE PRECISION[],
    longitudes DOUBLE PRECISION[], latitudes DOUBLE PRECISION[], sources SMALLINT[], event_indexes BIGINT[],
    event_codes BIGINT[], suspects BOOLEAN[],
    OUT first_id BIGINT, OUT stored BIGINT[]
) LANGUAGE plpgsql AS $$
DECLARE
    offered BIGINT := CARDINALITY(pins);
    given punch[];
    new_rows BIGINT := offered;
    new_transactions BIGINT;
BEGIN
    SELECT last_id + 1 INTO first_id FROM punch_counter WHERE company_id = company FOR UPDATE;

    SELECT ARRAY_AGG(ROW(
            first_id + r.place - 1, CASE WHEN e.id IS NOT NULL THEN first_id + r.place - 1 END, company, r.terminal_id,
            r.terminal_sn, r.terminal_alias, r.area_id, r.area_name, e.id, r.pin, r.punch_local, r.punch_at,
            r.punch_state, r.verify_type, r.verify_bits, r.work_code, r.mask_flag, r.temperature, r.longitude,
            r.latitude, NULL, NULL, r.source, r.event_index, r.event_code, r.clock_suspect, upload, NULL)::punch),
            COUNT(e.id)
        INTO given, new_transactions
        FROM UNNEST(terminal_ids, terminal_sns, terminal_aliases, area_ids, area_names, pins, locals, instants, states,
                verify_types, verify_bits, work_codes, masks, temperatures, longitudes, latitudes, sources,
                event_indexes, event_codes, suspects) WITH ORDINALITY
            AS r (terminal_id, terminal_sn, terminal_alias, area_id, area_name, pin, punch_local, punch_at, punch_state,
                verify_type, verify_bits, work_code, mask_flag, temperature, longitude, latitude, source, event_index,
                event_code, clock_suspect, place)
        LEFT JOIN LATERAL (SELECT id FROM employee WHERE company_id = company AND emp_code = r.pin LIMIT 1) AS e ON TRUE;

    -- Nearly always all are new, and to insert them without looking first costs a third less.
    BEGIN
        INSERT INTO punch SELECT * FROM UNNEST(given);
    EXCEPTION WHEN unique_violation THEN
        WITH fresh AS (
            INSERT INTO punch SELECT * FROM UNNEST(given) ON CONFLICT DO NOTHING RETURNING id, transaction_id
        ) SELECT COALESCE(ARRAY_AGG(id), '{}'), COUNT(*), COUNT(transaction_id)
            INTO stored, new_rows, new_transactions FROM fresh;
    END;

    UPDATE punch_counter SET last_id = last_id + offered, transactions = transactions + new_transactions,
            unregistered = unregistered + new_rows - new_transactions
        WHERE company_id = company;
END $$;

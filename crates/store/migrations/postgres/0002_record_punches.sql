-- Stores a group of punches: one call, which is one transaction, one trip to the server and one commit.
--
-- The arrays are columns, all of one length. Rows that are known already stay as they are; the others get ids that rise from
-- first_id on, in the order given. Gives the ids that were stored, or null when all were.
--
-- In a function each statement sees what was committed before it began. So whoever waits here for the counter's row sees
-- everything that the one before it stored, employees too.
CREATE FUNCTION record_punches(
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
    UPDATE punch_counter SET last_id = last_id + offered WHERE company_id = company
        RETURNING last_id - offered + 1 INTO first_id;

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
        LEFT JOIN employee AS e ON e.company_id = company AND e.emp_code = r.pin;

    -- Nearly always all are new, and to insert them without looking first costs a third less.
    BEGIN
        INSERT INTO punch SELECT * FROM UNNEST(given);
    EXCEPTION WHEN unique_violation THEN
        WITH fresh AS (
            INSERT INTO punch SELECT * FROM UNNEST(given) ON CONFLICT DO NOTHING RETURNING id, transaction_id
        ) SELECT COALESCE(ARRAY_AGG(id), '{}'), COUNT(*), COUNT(transaction_id)
            INTO stored, new_rows, new_transactions FROM fresh;
    END;

    UPDATE punch_counter SET transactions = transactions + new_transactions,
            unregistered = unregistered + new_rows - new_transactions
        WHERE company_id = company;
END $$;

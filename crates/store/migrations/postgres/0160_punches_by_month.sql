-- Punches lie in parts, by the months of the terminals' clocks. What is there becomes the first part as it is: everything
-- before the first day of the month after next. What no part takes lies in `punch_default`. A part's name says what it holds:
-- punch_YYYY_MM that month, punch_before_YYYY_MM all before it. Old ones can go to the schema `archive`, and come back.

-- What is before this went to the archive, unless it was brought back since.
ALTER TABLE punch_counter ADD COLUMN archived_before TIMESTAMP;

DO $$
DECLARE
    ends TIMESTAMP := date_trunc('month', now() AT TIME ZONE 'UTC') + INTERVAL '2 months';
    first TEXT := 'punch_before_' || to_char(ends, 'YYYY_MM');
    named TEXT;
BEGIN
    -- A key of a table in parts holds what it is parted by; that no transaction's id is given twice the counter sees to. An
    -- index of two columns is not believed to be in the order of the rows, and days were looked for by reading all of them.
    ALTER TABLE punch DROP CONSTRAINT punch_pkey;
    DROP INDEX punch_transaction, punch_time, punch_upload;
    FOR named IN SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND tablename = 'punch' LOOP
        EXECUTE format('ALTER INDEX %I RENAME TO %I', named, first || substr(named, 6));
    END LOOP;
    EXECUTE format('ALTER TABLE punch RENAME TO %I', first);

    EXECUTE format('CREATE TABLE punch (LIKE %I INCLUDING DEFAULTS, PRIMARY KEY (id, punch_local))
        PARTITION BY RANGE (punch_local)', first);
    CREATE UNIQUE INDEX punch_once
        ON punch (terminal_sn, pin, punch_local, punch_state, verify_type) WHERE event_index IS NULL;
    CREATE UNIQUE INDEX punch_event_once
        ON punch (terminal_sn, event_index, punch_local) WHERE event_index IS NOT NULL;
    CREATE INDEX punch_transaction ON punch (transaction_id) WHERE transaction_id IS NOT NULL AND hidden_at IS NULL;
    CREATE INDEX punch_unregistered ON punch (pin, id) WHERE transaction_id IS NULL;
    CREATE INDEX punch_employee ON punch (employee_id, punch_local);
    CREATE INDEX punch_time ON punch (punch_local);
    CREATE INDEX punch_upload ON punch (upload_at);
    CREATE INDEX punch_pin ON punch (pin, punch_local) WHERE transaction_id IS NOT NULL;

    CREATE TABLE punch_default PARTITION OF punch DEFAULT;
    EXECUTE format('WITH later AS (DELETE FROM %I WHERE punch_local >= $1 RETURNING *)
        INSERT INTO punch_default SELECT * FROM later', first) USING ends;
    EXECUTE format('ALTER TABLE punch ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%L)', first, ends);
END $$;

-- The parts, those in the archive too. A first part has no beginning, `punch_default` no end either.
CREATE FUNCTION punch_parts() RETURNS TABLE (part TEXT, is_archived BOOLEAN, starts TIMESTAMP, ends TIMESTAMP)
LANGUAGE sql STABLE AS $$
    SELECT c.relname::text, n.nspname = 'archive',
        CASE WHEN c.relname ~ '^punch_\d' THEN to_date(substr(c.relname, 7), 'YYYY_MM')::timestamp END,
        CASE WHEN c.relname ~ '^punch_\d' THEN to_date(substr(c.relname, 7), 'YYYY_MM') + INTERVAL '1 month'
            WHEN c.relname ~ '^punch_before_' THEN to_date(substr(c.relname, 14), 'YYYY_MM')::timestamp END
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relname ~ '^punch_((before_)?\d{4}_\d\d|default)$'
        AND (n.nspname = 'archive' OR EXISTS (SELECT FROM pg_inherits WHERE inhrelid = c.oid AND inhparent = 'punch'::regclass))
    ORDER BY 4 NULLS LAST
$$;

-- How much is in a part that lists show, as of one moment: it with the last id given then and how many punches were assigned, and
-- the room it takes with its indexes.
CREATE FUNCTION punch_part_holds(part TEXT, is_archived BOOLEAN,
    OUT last_id BIGINT, OUT assigned BIGINT, OUT known BIGINT, OUT unknown BIGINT, OUT bytes BIGINT)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    EXECUTE format('SELECT (SELECT MAX(last_id) FROM punch_counter), (SELECT COUNT(*) FROM punch_assignment), COUNT(transaction_id),
            COUNT(*) - COUNT(transaction_id) - COUNT(hidden_at), pg_total_relation_size(%L) FROM %1$s',
        CASE WHEN is_archived THEN format('archive.%I', part) ELSE format('%I', part) END)
        INTO last_id, assigned, known, unknown, bytes;
END $$;

-- Nobody writes or reads punches until the transaction ends. The counter comes first: whoever stores punches has it before them.
-- Whoever is in the way (a long export) is not waited for, since all others would wait behind: that is an error, and done later.
CREATE FUNCTION punch_alone() RETURNS VOID LANGUAGE plpgsql SET lock_timeout = '500ms' AS $$
BEGIN
    PERFORM FROM punch_counter FOR UPDATE;
    LOCK TABLE ONLY punch IN ACCESS EXCLUSIVE MODE;
END $$;

-- What lies in `punch_default` and belongs into a part that is not attached yet: how many rows went there.
CREATE FUNCTION punch_take_from_default(part TEXT, starts TIMESTAMP, ends TIMESTAMP) RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE
    moved BIGINT;
BEGIN
    EXECUTE format('WITH moved AS (DELETE FROM punch_default
            WHERE punch_local >= COALESCE($1, ''-infinity'') AND punch_local < $2 RETURNING *)
        INSERT INTO %I SELECT * FROM moved', part) USING starts, ends;
    GET DIAGNOSTICS moved = ROW_COUNT;
    RETURN moved;
END $$;

-- Makes the part of the month that begins then, of which there is none: how many rows were there already. Punches are read and
-- stored meanwhile, unless some of them are to be moved: who read just then would miss them.
CREATE FUNCTION punch_make_month(starts TIMESTAMP) RETURNS BIGINT LANGUAGE plpgsql SET lock_timeout = '500ms' AS $$
DECLARE
    part TEXT := 'punch_' || to_char(starts, 'YYYY_MM');
    ends TIMESTAMP := starts + INTERVAL '1 month';
    moved BIGINT := 0;
BEGIN
    EXECUTE format('CREATE TABLE %I (LIKE punch INCLUDING DEFAULTS)', part);
    IF EXISTS (SELECT FROM punch_default WHERE punch_local >= starts AND punch_local < ends) THEN
        PERFORM punch_alone();
        moved := punch_take_from_default(part, starts, ends);
    END IF;
    EXECUTE format('ALTER TABLE punch ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', part, starts, ends);
    RETURN moved;
END $$;

-- Takes a part into the archive. What it held when it was last looked at is given; what changed in it since carries higher ids.
-- Only an assignment that was taken back since leaves no trace: then it has to be looked at again.
CREATE FUNCTION punch_archive(part TEXT, ends TIMESTAMP, looked BIGINT, assigned BIGINT, INOUT known BIGINT, INOUT unknown BIGINT)
LANGUAGE plpgsql SET lock_timeout = '500ms' AS $$
DECLARE
    later_known BIGINT;
    later BIGINT;
    adopted BIGINT;
    given_away BIGINT;
BEGIN
    PERFORM punch_alone();
    IF assigned <> (SELECT COUNT(*) FROM punch_assignment WHERE punch_id <= looked) THEN
        RAISE lock_not_available USING MESSAGE = 'the assignment of a punch was taken back meanwhile: look at the month again';
    END IF;
    EXECUTE format('SELECT COUNT(transaction_id), COUNT(*) - COUNT(hidden_at) FROM %I WHERE id > $1', part) INTO later_known, later USING looked;
    EXECUTE format('SELECT COUNT(*) FROM %I WHERE transaction_id > $1 AND id <= $1 AND hidden_at IS NULL', part) INTO adopted USING looked;
    EXECUTE format('SELECT COUNT(*) FROM punch_assignment AS a JOIN %I AS s ON s.id = a.sent_id
        WHERE a.punch_id > $1 AND s.id <= $1', part) INTO given_away USING looked;
    known := known + later_known + adopted;
    unknown := unknown + later - later_known - adopted - given_away;
    CREATE SCHEMA IF NOT EXISTS archive;
    EXECUTE format('ALTER TABLE punch DETACH PARTITION %I', part);
    EXECUTE format('ALTER TABLE %I SET SCHEMA archive', part);
    UPDATE punch_counter SET transactions = transactions - known, unregistered = unregistered - unknown,
        archived_before = GREATEST(archived_before, ends);
END $$;

-- Before a part comes back what it holds is looked through, in two steps, so that it can be read meanwhile: then nobody has to
-- wait for that when it does.
CREATE FUNCTION punch_vouch(part TEXT, starts TIMESTAMP, ends TIMESTAMP) RETURNS VOID
LANGUAGE plpgsql SET lock_timeout = '500ms' AS $$
BEGIN
    EXECUTE format('ALTER TABLE archive.%I DROP CONSTRAINT IF EXISTS punch_part, ADD CONSTRAINT punch_part
        CHECK (punch_local >= %L AND punch_local < %L) NOT VALID', part, COALESCE(starts, '-infinity'), ends);
END $$;
CREATE FUNCTION punch_look_through(part TEXT) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE archive.%I VALIDATE CONSTRAINT punch_part', part);
END $$;

-- Brings a part back out of the archive, where nobody changes what it holds. What came of that time meanwhile joins it.
CREATE FUNCTION punch_bring_back(part TEXT, starts TIMESTAMP, ends TIMESTAMP, known BIGINT, unknown BIGINT) RETURNS BIGINT
LANGUAGE plpgsql SET lock_timeout = '500ms' AS $$
DECLARE
    joined BIGINT;
BEGIN
    PERFORM punch_alone();
    EXECUTE format('ALTER TABLE archive.%I SET SCHEMA %I', part, current_schema());
    joined := punch_take_from_default(part, starts, ends);
    EXECUTE format('ALTER TABLE punch ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%L)', part,
        COALESCE(quote_literal(starts), 'MINVALUE'), ends);
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT punch_part', part);
    UPDATE punch_counter SET transactions = transactions + known, unregistered = unregistered + unknown,
        archived_before = CASE WHEN archived_before > ends THEN archived_before ELSE starts END;
    RETURN joined;
END $$;

-- Those of the rows that are new, as far as the archive tells. What went there and is there no more counts as known: nobody
-- can tell, and what was put away must not come back as new. A part that was brought back has its own keys for that; one that
-- ends later than the archive is of a database that was made anew, and does not hold what went to the archive.
CREATE FUNCTION punch_not_archived(given punch[], archived_before TIMESTAMP) RETURNS punch[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    kept punch[] := ARRAY(SELECT g FROM UNNEST(given) AS g WHERE g.punch_local >= archived_before);
    own punch[];
    of RECORD;
BEGIN
    FOR of IN SELECT * FROM punch_parts() AS p WHERE p.ends <= archived_before LOOP
        own := ARRAY(SELECT g FROM UNNEST(given) AS g
            WHERE g.punch_local >= COALESCE(of.starts, '-infinity') AND g.punch_local < of.ends);
        IF of.is_archived AND CARDINALITY(own) > 0 THEN
            EXECUTE format('SELECT ARRAY(SELECT g FROM UNNEST($1) AS g
                WHERE (g.event_index IS NOT NULL OR NOT EXISTS (SELECT FROM archive.%1$I AS p
                        WHERE p.terminal_sn = g.terminal_sn AND p.pin = g.pin AND p.punch_local = g.punch_local
                            AND p.punch_state = g.punch_state AND p.verify_type = g.verify_type AND p.event_index IS NULL))
                    AND (g.event_index IS NULL OR NOT EXISTS (SELECT FROM archive.%1$I AS p
                        WHERE p.terminal_sn = g.terminal_sn AND p.event_index = g.event_index
                            AND p.punch_local = g.punch_local)))', of.part)
                INTO own USING own;
        END IF;
        kept := kept || own;
    END LOOP;
    RETURN kept;
END $$;

-- record_punches as before, for a table in parts: what went to the archive is not new.
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
    archived TIMESTAMP;
    are_new BOOLEAN := TRUE;
BEGIN
    SELECT last_id + 1, archived_before INTO first_id, archived FROM punch_counter WHERE company_id = company FOR UPDATE;

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

    IF archived > (SELECT MIN(punch_local) FROM UNNEST(locals) AS punch_local) THEN
        given := punch_not_archived(given, archived);
        are_new := CARDINALITY(given) = offered;
    END IF;

    -- Nearly always all are new, and to insert them without looking first costs a third less. A month may be made between the
    -- choice of a part and the insert; then the part refuses the row.
    IF are_new THEN
        BEGIN
            INSERT INTO punch SELECT * FROM UNNEST(given);
        EXCEPTION WHEN unique_violation OR check_violation THEN
            are_new := FALSE;
        END;
    END IF;
    IF NOT are_new THEN
        WITH fresh AS (
            INSERT INTO punch SELECT * FROM UNNEST(given) ON CONFLICT DO NOTHING RETURNING id, transaction_id
        ) SELECT COALESCE(ARRAY_AGG(id), '{}'), COUNT(*), COUNT(transaction_id)
            INTO stored, new_rows, new_transactions FROM fresh;
    END IF;

    UPDATE punch_counter SET last_id = last_id + offered, transactions = transactions + new_transactions,
            unregistered = unregistered + new_rows - new_transactions
        WHERE company_id = company;
END $$;

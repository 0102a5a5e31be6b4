-- The newest of the punches whose PIN nobody has, without sorting all of them.
CREATE INDEX punch_unregistered_newest ON punch (id) WHERE transaction_id IS NULL;

-- As step 190 made it, with this index, too.
CREATE OR REPLACE FUNCTION punch_note_part(part TEXT) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO punch_place (terminal_sn, terminal_alias, area_name)
        SELECT DISTINCT terminal_sn, COALESCE(terminal_alias, %1$L), COALESCE(area_name, %1$L) FROM archive.%2$I
        ON CONFLICT DO NOTHING', '', part);
    EXECUTE format('INSERT INTO former_code (emp_code)
        SELECT DISTINCT pin FROM archive.%I AS p
        WHERE transaction_id IS NOT NULL AND NOT EXISTS (SELECT FROM employee WHERE employee.id = p.employee_id)
        ON CONFLICT DO NOTHING', part);
    IF NOT EXISTS (SELECT FROM pg_indexes WHERE schemaname = 'archive' AND tablename = part
            AND indexdef LIKE '%(terminal_sn, transaction_id, punch_local)%') THEN
        EXECUTE format('CREATE INDEX %I ON archive.%I (terminal_sn, transaction_id, punch_local)
            WHERE transaction_id IS NOT NULL AND hidden_at IS NULL', part || '_terminal', part);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_indexes WHERE schemaname = 'archive' AND tablename = part
            AND indexdef LIKE '%(id) WHERE (transaction_id IS NULL)%') THEN
        EXECUTE format('CREATE INDEX %I ON archive.%I (id) WHERE transaction_id IS NULL', part || '_unregistered_newest', part);
    END IF;
END $$;

-- A search of transactions finds people, codes and terminals first, and from these the punches by an index. So it is kept
-- under which names terminals have punched, and which codes had somebody who is gone.
CREATE TABLE punch_place (
    terminal_sn TEXT NOT NULL,
    terminal_alias TEXT NOT NULL,
    area_name TEXT NOT NULL,
    PRIMARY KEY (terminal_sn, terminal_alias, area_name)
);
INSERT INTO punch_place (terminal_sn, terminal_alias, area_name)
SELECT DISTINCT terminal_sn, COALESCE(terminal_alias, ''), COALESCE(area_name, '') FROM punch;
CREATE TABLE former_code (
    emp_code TEXT NOT NULL PRIMARY KEY
);
INSERT INTO former_code (emp_code)
SELECT DISTINCT pin FROM punch WHERE transaction_id IS NOT NULL AND NOT EXISTS (SELECT FROM employee WHERE employee.id = punch.employee_id);

-- The same of a part in the archive, before it comes back: when it does, nobody can read or write punches, so no row is
-- looked at then. An index that it has not is made here, too.
CREATE FUNCTION punch_note_part(part TEXT) RETURNS VOID LANGUAGE plpgsql AS $$
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
END $$;

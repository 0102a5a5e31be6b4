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
SELECT DISTINCT pin FROM punch WHERE transaction_id IS NOT NULL AND employee_id NOT IN (SELECT id FROM employee);

-- Lists are asked for a day, a terminal, a department, or by code; each index knows all that finding and counting them needs.
DROP INDEX punch_time;
CREATE INDEX punch_time ON punch (punch_local, id, transaction_id, hidden_at, employee_id, punch_state);
CREATE INDEX punch_terminal ON punch (terminal_sn, transaction_id, punch_local)
    WHERE transaction_id IS NOT NULL AND hidden_at IS NULL;
DROP INDEX employee_department;
CREATE INDEX employee_department ON employee (department_id, status);
CREATE INDEX employee_by_code ON employee (status, emp_code, id);

-- The list of a department's people in the order of their codes: a page is read where it stands rather than sorted out of the whole
-- department. The narrower index stays, for it is what counts them soonest.
CREATE INDEX employee_of_department ON employee (department_id, status, emp_code, id);

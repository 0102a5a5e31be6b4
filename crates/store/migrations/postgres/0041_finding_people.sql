-- A code alone finds its person; whose company it is needs no asking.
CREATE INDEX employee_code ON employee (emp_code);

-- What is searched, apart from the wide rows: a search reads this and nothing else.
CREATE INDEX employee_search ON employee (status, search_text);

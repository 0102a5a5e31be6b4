-- People who were stored with many others, and whose terminals have not been told yet.
CREATE TABLE employee_untold (
    company_id TEXT NOT NULL REFERENCES company (id),
    emp_code TEXT NOT NULL,
    PRIMARY KEY (company_id, emp_code)
);

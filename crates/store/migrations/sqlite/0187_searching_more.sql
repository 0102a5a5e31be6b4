-- A search of people looks into all that is written about them, one of resignations into the reasons. Letters are folded
-- by the server, so a job writes these texts for the rows that are there; null: it is still to be written.
ALTER TABLE employee ADD COLUMN search_more TEXT;
DROP INDEX employee_search;
CREATE INDEX employee_search ON employee (status, search_text, search_more);
CREATE INDEX employee_search_due ON employee (id) WHERE search_more IS NULL;
ALTER TABLE resignation ADD COLUMN search_text TEXT;
CREATE INDEX resignation_search_due ON resignation (id) WHERE search_text IS NULL;
-- A terminal's address changes when it tells another, so a search looks at the address itself: the text keeps its name and
-- its number. One that listed itself had both in one part.
UPDATE terminal SET search_text = lower(alias) || char(31) || lower(sn) WHERE instr(search_text, char(31)) = 0;
UPDATE terminal SET search_text = substr(search_text, 1, instr(search_text, char(31))) || lower(sn);

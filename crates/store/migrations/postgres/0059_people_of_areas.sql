-- The people of an area, found without looking at the rows.
CREATE INDEX employee_area_people ON employee_area (area_id, employee_id);
DROP INDEX employee_area_area;

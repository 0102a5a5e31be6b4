-- Photos are sealed when they are written. Those that are there stay as they are until they are written anew, or until
-- `muster keys rotate`; what is sealed begins with the name of its key.
ALTER TABLE employee_photo RENAME COLUMN jpeg TO jpeg_sealed;
ALTER TABLE punch_photo RENAME COLUMN jpeg TO jpeg_sealed;

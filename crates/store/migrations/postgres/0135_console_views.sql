-- How somebody likes a list of the console: views kept under a name, as the query of its address. The one without a
-- name says which columns are shown unless an address does.
CREATE TABLE console_view (
    user_id BIGINT NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    list TEXT NOT NULL,
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    PRIMARY KEY (user_id, list, name)
);

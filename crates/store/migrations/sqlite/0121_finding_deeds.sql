-- What somebody did, the newest first.
CREATE INDEX audit_actor ON audit (actor, id);

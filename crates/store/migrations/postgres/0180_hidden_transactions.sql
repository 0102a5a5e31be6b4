-- A transaction can be hidden, and shown again: its row stays as it was sent, with `hidden_at`. How often that was done.
ALTER TABLE punch_counter ADD COLUMN hidings BIGINT NOT NULL DEFAULT 0;
CREATE INDEX punch_hidden ON punch (transaction_id) WHERE transaction_id IS NOT NULL AND hidden_at IS NOT NULL;

-- As before, for parts in which transactions are hidden: what lists do not show is not counted.
DROP FUNCTION punch_part_holds;
CREATE FUNCTION punch_part_holds(part TEXT, is_archived BOOLEAN,
    OUT last_id BIGINT, OUT assigned BIGINT, OUT hidings BIGINT, OUT known BIGINT, OUT unknown BIGINT, OUT bytes BIGINT)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    EXECUTE format('SELECT (SELECT MAX(last_id) FROM punch_counter), (SELECT COUNT(*) FROM punch_assignment),
            (SELECT MAX(hidings) FROM punch_counter), COUNT(transaction_id), COUNT(*) - COUNT(transaction_id),
            pg_total_relation_size(%L) FROM %1$s WHERE hidden_at IS NULL',
        CASE WHEN is_archived THEN format('archive.%I', part) ELSE format('%I', part) END)
        INTO last_id, assigned, hidings, known, unknown, bytes;
END $$;

-- As before; that a transaction was hidden or shown since leaves no trace in ids either.
DROP FUNCTION punch_archive;
CREATE FUNCTION punch_archive(part TEXT, ends TIMESTAMP, looked BIGINT, assigned BIGINT, hidings_then BIGINT,
    INOUT known BIGINT, INOUT unknown BIGINT)
LANGUAGE plpgsql SET lock_timeout = '500ms' AS $$
DECLARE
    later_known BIGINT;
    later BIGINT;
    adopted BIGINT;
    given_away BIGINT;
BEGIN
    PERFORM punch_alone();
    IF assigned <> (SELECT COUNT(*) FROM punch_assignment WHERE punch_id <= looked) THEN
        RAISE lock_not_available USING MESSAGE = 'the assignment of a punch was taken back meanwhile: look at the month again';
    END IF;
    IF hidings_then <> (SELECT MAX(hidings) FROM punch_counter) THEN
        RAISE lock_not_available USING MESSAGE = 'a transaction was hidden or shown again meanwhile: look at the month again';
    END IF;
    EXECUTE format('SELECT COUNT(transaction_id), COUNT(*) FROM %I WHERE id > $1 AND hidden_at IS NULL', part)
        INTO later_known, later USING looked;
    EXECUTE format('SELECT COUNT(*) FROM %I WHERE transaction_id > $1 AND id <= $1 AND hidden_at IS NULL', part) INTO adopted USING looked;
    EXECUTE format('SELECT COUNT(*) FROM punch_assignment AS a JOIN %I AS s ON s.id = a.sent_id
        WHERE a.punch_id > $1 AND s.id <= $1', part) INTO given_away USING looked;
    known := known + later_known + adopted;
    unknown := unknown + later - later_known - adopted - given_away;
    CREATE SCHEMA IF NOT EXISTS archive;
    EXECUTE format('ALTER TABLE punch DETACH PARTITION %I', part);
    EXECUTE format('ALTER TABLE %I SET SCHEMA archive', part);
    UPDATE punch_counter SET transactions = transactions - known, unregistered = unregistered - unknown,
        archived_before = GREATEST(archived_before, ends);
END $$;

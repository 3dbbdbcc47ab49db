-- :rows is a JSON array of rows; one statement writes them all, so that Python's interpreter lock
-- is given up once for a batch and not twice for every row. What is finished stays as it is.
INSERT INTO invocation (
    session, id, queued_at, function, version, run_id, position, state,
    finished_at, attempts, error, result_note, failure, result, log
)
SELECT
    :session, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
    value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11,
    unhex(value ->> 12), unhex(value ->> 13)
FROM json_each(:rows)
WHERE true
ON CONFLICT (id) DO UPDATE SET
    -- A row of output alone knows nothing of the state.
    state = CASE
        WHEN excluded.attempts = 0 AND excluded.finished_at IS NULL THEN state
        ELSE excluded.state
    END,
    finished_at = excluded.finished_at,
    attempts = CASE
        WHEN excluded.finished_at IS NULL THEN max(attempts, excluded.attempts)
        ELSE excluded.attempts
    END,
    error = excluded.error,
    result_note = excluded.result_note,
    failure = excluded.failure,
    result = excluded.result,
    log = CASE
        WHEN excluded.finished_at IS NOT NULL THEN excluded.log
        WHEN length(excluded.log) = 0 THEN log
        ELSE substr(CAST(log || excluded.log AS BLOB), -:log_tail)
    END
WHERE finished_at IS NULL;

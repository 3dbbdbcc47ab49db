SELECT
    id, function, version, state, finished_at IS NULL, session, run_id, position, queued_at,
    finished_at, attempts, error, result, result_note, failure, log
FROM invocation
WHERE id = :id;

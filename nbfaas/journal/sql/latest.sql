-- Results and logs are left out: a list of them could be as large as the journal.
SELECT
    id, function, version, state, finished_at IS NULL, session, run_id, position, queued_at,
    finished_at, attempts, error, NULL,
    CASE WHEN result IS NULL THEN result_note ELSE :left_out END, failure, x''
FROM invocation
WHERE true -- filters
ORDER BY queued_at DESC, number DESC
LIMIT :limit;

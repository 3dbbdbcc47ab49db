SELECT
    attempt.attempt, attempt.state, sandbox, started_at, coalesce(queued, 0.0), coalesce(wall, 0.0),
    coalesce(user, 0.0), coalesce(system, 0.0), coalesce(overhead, 0.0), coalesce(peak_memory, 0),
    cold_start, attempt.error
FROM invocation JOIN attempt ON attempt.invocation = invocation.number
WHERE invocation.id = :id
ORDER BY attempt.attempt;

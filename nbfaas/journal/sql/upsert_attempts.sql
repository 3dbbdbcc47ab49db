INSERT INTO attempt (
    invocation, attempt, state, sandbox, started_at, cold_start,
    queued, wall, user, system, overhead, peak_memory, error
)
SELECT
    invocation.number, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
    value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12
FROM json_each(:rows) CROSS JOIN invocation ON invocation.id = value ->> 0
WHERE true
ON CONFLICT (invocation, attempt) DO UPDATE SET
    state = excluded.state,
    sandbox = coalesce(excluded.sandbox, sandbox),
    started_at = excluded.started_at,
    cold_start = excluded.cold_start,
    queued = excluded.queued,
    wall = excluded.wall,
    user = excluded.user,
    system = excluded.system,
    overhead = excluded.overhead,
    peak_memory = excluded.peak_memory,
    error = excluded.error
WHERE wall IS NULL;

-- From trigger to trigger: what waits is not gone through.
WITH RECURSIVE undone (trigger) AS (
    SELECT min(trigger) FROM delivery WHERE state IN ('waiting', 'leased')
    UNION ALL
    SELECT (
        SELECT min(trigger)
        FROM delivery
        WHERE trigger > undone.trigger AND state IN ('waiting', 'leased')
    )
    FROM undone
    WHERE undone.trigger IS NOT NULL
)
SELECT
    trigger,
    (
        SELECT accepted_at
        FROM delivery
        WHERE delivery.trigger = undone.trigger AND state IN ('waiting', 'leased')
        ORDER BY number
        LIMIT 1
    )
FROM undone
WHERE trigger IS NOT NULL;

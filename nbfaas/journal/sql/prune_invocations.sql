-- The oldest first. What a living session has not finished stays.
DELETE FROM invocation
WHERE number IN (
    SELECT number
    FROM invocation
    WHERE queued_at < :before
    AND (finished_at IS NOT NULL OR session NOT IN (SELECT value FROM json_each(:alive)))
    ORDER BY queued_at, number
    LIMIT :count
);

-- An attempt that was taken for interrupted may still end, too late; one that has ended stays.
UPDATE attempt
SET state = outcome.state,
    ended_at = outcome.ended_at,
    invocation = outcome.invocation,
    sandbox = outcome.sandbox,
    wall = outcome.wall,
    error = outcome.error
FROM (
    SELECT
        value ->> 0 AS delivery, value ->> 1 AS epoch, value ->> 2 AS state,
        value ->> 3 AS ended_at, value ->> 4 AS invocation, value ->> 5 AS sandbox,
        value ->> 6 AS wall, value ->> 7 AS error
    FROM json_each(:rows)
) AS outcome
WHERE attempt.delivery = outcome.delivery AND attempt.epoch = outcome.epoch
AND attempt.state IN ('begun', 'interrupted');

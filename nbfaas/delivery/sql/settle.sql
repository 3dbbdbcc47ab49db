UPDATE delivery
SET state = outcome.state,
    attempt = delivery.attempt - outcome.given_back,
    due_at = coalesce(outcome.due_at, delivery.due_at),
    reason = outcome.reason,
    died_at = outcome.died_at
FROM (
    SELECT
        value ->> 0 AS number, value ->> 1 AS state, value ->> 2 AS due_at, value ->> 3 AS reason,
        value ->> 4 AS died_at, value ->> 5 AS given_back
    FROM json_each(:rows)
) AS outcome
WHERE delivery.number = outcome.number;

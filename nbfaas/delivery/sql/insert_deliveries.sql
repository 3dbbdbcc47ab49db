INSERT INTO delivery (
    number, event, trigger, target, key, state, turn, epoch, attempt,
    accepted_at, due_at, expires_at, keep_until, policy, body
)
SELECT
    value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
    value ->> 7, value ->> 7, value ->> 8, value ->> 8, value ->> 9, value ->> 10, value ->> 11,
    value ->> 12
FROM json_each(:rows);

INSERT INTO event (
    number, name, source, id, digest, depth, deliveries, accepted_at, keep_until, body
)
SELECT
    value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, unhex(value ->> 4), value ->> 5,
    value ->> 6, value ->> 7, value ->> 8, value ->> 9
FROM json_each(:rows);

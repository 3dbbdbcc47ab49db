-- What has grown too old is not begun again: it is for expiring.sql.
SELECT json_group_array(number)
FROM (
    SELECT number, expires_at
    FROM delivery
    WHERE trigger = :trigger AND state = 'waiting' AND turn = 1 AND due_at <= :now
    ORDER BY due_at, number
    LIMIT :room
)
WHERE expires_at > :now;

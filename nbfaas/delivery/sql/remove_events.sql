DELETE FROM event
WHERE number IN (
    SELECT number
    FROM event
    WHERE deliveries = 0 AND keep_until <= :now
    ORDER BY keep_until
    LIMIT :count
);

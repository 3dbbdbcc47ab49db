-- The earliest undone delivery of each line has its turn, unless one of the line is leased.
UPDATE delivery
SET turn = 1
WHERE state = 'waiting' AND number IN (
    SELECT (
        SELECT delivery.number
        FROM delivery INDEXED BY delivery_in_line
        WHERE trigger = pair.value ->> 0 AND delivery.key = pair.value ->> 1
        AND delivery.key IS NOT NULL AND state IN ('waiting', 'leased')
        ORDER BY delivery.number
        LIMIT 1
    )
    FROM json_each(:pairs) AS pair
    WHERE NOT EXISTS (
        SELECT 1
        FROM delivery INDEXED BY delivery_first_in_line
        WHERE trigger = pair.value ->> 0 AND delivery.key = pair.value ->> 1
        AND delivery.key IS NOT NULL AND turn = 1 AND state IN ('waiting', 'leased')
        AND state = 'leased'
    )
);

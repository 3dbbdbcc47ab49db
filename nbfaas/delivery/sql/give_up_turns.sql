-- Something earlier may have come back into the line.
UPDATE delivery
SET turn = 0
WHERE number IN (
    SELECT delivery.number
    FROM json_each(:pairs) AS pair
    CROSS JOIN delivery INDEXED BY delivery_first_in_line
        ON trigger = pair.value ->> 0 AND delivery.key = pair.value ->> 1
    WHERE delivery.key IS NOT NULL AND turn = 1 AND state IN ('waiting', 'leased')
    AND state = 'waiting'
);

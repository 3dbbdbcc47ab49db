UPDATE attempt
SET state = 'interrupted', ended_at = begun.ended_at
FROM (
    SELECT value ->> 0 AS delivery, value ->> 1 AS epoch, value ->> 2 AS ended_at
    FROM json_each(:rows)
) AS begun
WHERE attempt.delivery = begun.delivery AND attempt.epoch = begun.epoch
AND attempt.state = 'begun';

SELECT min((
    SELECT due_at
    FROM delivery
    WHERE trigger = wanted.value AND state = 'waiting' AND turn = 1
    ORDER BY due_at
    LIMIT 1
))
FROM json_each(:triggers) AS wanted;

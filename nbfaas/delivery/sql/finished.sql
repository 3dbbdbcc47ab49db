SELECT json_group_array(number)
FROM (
    SELECT number
    FROM delivery
    WHERE state = 'done' AND keep_until <= :now
    ORDER BY keep_until
    LIMIT :count
);

SELECT json_group_array(number)
FROM (
    SELECT number
    FROM delivery
    WHERE state = 'waiting' AND expires_at <= :now
    ORDER BY expires_at
    LIMIT :count
);

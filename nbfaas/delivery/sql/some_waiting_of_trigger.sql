SELECT json_group_array(number)
FROM (
    SELECT number
    FROM delivery
    WHERE trigger = :trigger AND state IN ('waiting', 'leased') AND state = 'waiting'
    ORDER BY number
    LIMIT :count
);

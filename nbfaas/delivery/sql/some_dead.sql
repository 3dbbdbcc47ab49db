SELECT json_group_array(number)
FROM (
    SELECT number FROM delivery WHERE state = 'dead' AND number > :after ORDER BY number LIMIT :count
);

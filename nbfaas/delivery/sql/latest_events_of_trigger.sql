-- A trigger brings about one delivery of an event.
SELECT json_group_array(json_array(number, source, id, depth, accepted_at, body))
FROM (
    SELECT event.*
    FROM (
        SELECT event AS of_event
        FROM delivery
        WHERE trigger = :trigger
        ORDER BY number DESC
        LIMIT :limit
    )
    CROSS JOIN event ON event.number = of_event
);

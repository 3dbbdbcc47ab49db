SELECT json_group_array(json_array(
    number, trigger, target, reason, accepted_at, died_at, body
))
FROM (
    SELECT
        delivery.number, trigger, target, reason, delivery.accepted_at, died_at,
        coalesce(delivery.body, event.body) AS body
    FROM delivery JOIN event ON event.number = delivery.event
    WHERE state = 'dead' -- filters
    ORDER BY delivery.number DESC
    LIMIT :limit
);

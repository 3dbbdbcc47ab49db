SELECT json_group_array(json_array(
    number, event, trigger, target, key, state, epoch, attempt, accepted_at, due_at, died_at,
    reason, policy
))
FROM (
    SELECT delivery.*
    FROM json_each(:events) AS chosen CROSS JOIN delivery ON delivery.event = chosen.value
    ORDER BY delivery.number
);

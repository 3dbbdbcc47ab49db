SELECT json_group_array(json_array(
    delivery.number, trigger, target, delivery.key, epoch, attempt, delivery.accepted_at, due_at,
    expires_at, depth, policy, coalesce(delivery.body, event.body)
))
FROM json_each(:numbers) AS chosen
CROSS JOIN delivery ON delivery.number = chosen.value
CROSS JOIN event ON event.number = delivery.event;

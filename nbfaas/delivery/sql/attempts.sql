SELECT json_group_array(json_array(
    delivery, attempt, epoch, state, began_at, ended_at, invocation, sandbox, wall, error
))
FROM (
    SELECT attempt.*
    FROM json_each(:numbers) AS chosen CROSS JOIN attempt ON attempt.delivery = chosen.value
    ORDER BY delivery, epoch
);

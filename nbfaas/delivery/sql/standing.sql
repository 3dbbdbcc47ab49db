-- How the deliveries stand that attempts report about.
SELECT json_group_array(json_array(
    delivery.number, trigger, delivery.key, state, epoch, attempt, policy
))
FROM json_each(:numbers) AS wanted CROSS JOIN delivery ON delivery.number = wanted.value;

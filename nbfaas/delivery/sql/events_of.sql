SELECT json_group_array(DISTINCT event)
FROM json_each(:numbers) AS chosen CROSS JOIN delivery ON delivery.number = chosen.value;

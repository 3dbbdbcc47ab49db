INSERT INTO attempt (delivery, epoch, attempt, state, began_at)
SELECT delivery.number, epoch, attempt, 'begun', :now
FROM json_each(:numbers) AS chosen CROSS JOIN delivery ON delivery.number = chosen.value;

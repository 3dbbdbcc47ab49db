UPDATE event
SET deliveries = 0
WHERE number IN (SELECT value FROM json_each(:events))
AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.event = event.number);

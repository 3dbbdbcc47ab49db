UPDATE delivery
SET state = 'leased', epoch = epoch + 1, attempt = attempt + 1
WHERE number IN (SELECT value FROM json_each(:numbers));

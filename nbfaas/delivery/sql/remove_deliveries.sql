DELETE FROM delivery WHERE number IN (SELECT value FROM json_each(:numbers));

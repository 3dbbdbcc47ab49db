-- This and most answers are one row of JSON, and most input is a JSON array of rows: Python's
-- interpreter lock is given up and taken again once for a statement, and not for every row.
SELECT json_group_array(json_array(name.key, event.number, hex(event.digest)))
FROM json_each(:names) AS name CROSS JOIN event ON event.name = unhex(name.value);

DELETE FROM attempt WHERE delivery IN (SELECT value FROM json_each(:numbers));

SELECT json_group_array(json_array(number, source, id, depth, accepted_at, body))
FROM (SELECT * FROM event ORDER BY number DESC LIMIT :limit);

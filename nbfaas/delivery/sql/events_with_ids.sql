-- Of whatever source.
SELECT json_group_array(json_array(
    event.number, event.source, event.id, event.depth, event.accepted_at, event.body
))
FROM json_each(:ids) AS chosen CROSS JOIN event ON event.id = chosen.value;

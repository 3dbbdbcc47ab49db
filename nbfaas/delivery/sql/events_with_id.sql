-- Of whatever source.
SELECT json_group_array(number) FROM event WHERE id = :id;

SELECT json_group_array(number) FROM delivery WHERE state = 'leased';

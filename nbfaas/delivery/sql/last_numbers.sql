SELECT
    coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'event'), 0),
    coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'delivery'), 0);

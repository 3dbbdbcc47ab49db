SELECT json_group_array(json_array(number, trigger, epoch, attempt, accepted_at, policy))
FROM (
    SELECT *
    FROM delivery
    WHERE state = 'waiting' AND expires_at <= :now
    AND (:triggers IS NULL OR trigger IN (SELECT value FROM json_each(:triggers)))
    ORDER BY expires_at
    LIMIT :count
);

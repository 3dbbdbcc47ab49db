-- Which of the pairs of trigger and key have something undone.
SELECT json_group_array(pair.key)
FROM json_each(:pairs) AS pair
WHERE EXISTS (
    SELECT 1
    FROM delivery
    WHERE trigger = pair.value ->> 0 AND delivery.key = pair.value ->> 1
    AND delivery.key IS NOT NULL AND state IN ('waiting', 'leased')
);

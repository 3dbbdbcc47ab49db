SELECT trigger, count(*)
FROM delivery
WHERE state IN ('waiting', 'leased')
GROUP BY trigger;

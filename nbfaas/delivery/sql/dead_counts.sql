SELECT trigger, count(*) FROM delivery WHERE state = 'dead' GROUP BY trigger;

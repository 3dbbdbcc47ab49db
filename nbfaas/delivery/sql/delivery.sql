SELECT json_group_array(json_array(
    number, event, trigger, target, key, state, epoch, attempt, accepted_at, due_at, died_at,
    reason, policy
))
FROM delivery
WHERE number = :number;

-- Attempts and age are counted anew, epochs go on: a late result of an earlier attempt must not
-- count, and what a destination is told is not what it was told before.
UPDATE delivery
SET state = 'waiting', turn = key IS NULL, epoch = epoch + 1, attempt = 0, due_at = :now,
    expires_at = :now + (policy ->> 'max_age'), died_at = NULL, reason = NULL
WHERE number IN (SELECT value FROM json_each(:numbers));

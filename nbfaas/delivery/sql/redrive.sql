-- Attempts and age are counted anew, epochs are not: a late result of an earlier attempt must not
-- count.
UPDATE delivery
SET state = 'waiting', turn = key IS NULL, attempt = 0, due_at = :now,
    expires_at = :now + (policy ->> 'max_age'), died_at = NULL, reason = NULL
WHERE number IN (SELECT value FROM json_each(:numbers));

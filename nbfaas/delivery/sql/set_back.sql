-- Nothing is due later than max_delay from now, unless the clock has been set back. All that waits
-- is gone through for that.
UPDATE delivery
SET due_at = :now
WHERE state = 'waiting' AND expires_at > :now AND due_at > :now + (policy ->> 'max_delay');

-- A session that is gone from the table counts as dead, so nothing has to be looked up here.
DELETE FROM session
WHERE opened_at < (SELECT coalesce(min(queued_at), 9e99) FROM invocation)
AND number NOT IN (SELECT value FROM json_each(:alive));

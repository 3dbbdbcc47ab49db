SELECT number, owner FROM session WHERE closed_at IS NULL;

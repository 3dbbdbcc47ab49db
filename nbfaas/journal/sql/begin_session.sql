INSERT INTO session (owner, opened_at) VALUES (:owner, :now) RETURNING number;

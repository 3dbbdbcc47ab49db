INSERT INTO source_state (source_key, state) VALUES (:source_key, :state)
ON CONFLICT (source_key) DO UPDATE SET state = excluded.state;

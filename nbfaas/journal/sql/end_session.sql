UPDATE session SET closed_at = :now WHERE number = :session;

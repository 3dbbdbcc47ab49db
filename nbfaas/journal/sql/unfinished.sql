SELECT session, count(*) FROM invocation WHERE finished_at IS NULL GROUP BY session;

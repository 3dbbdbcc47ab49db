SELECT state, count(*) FROM invocation GROUP BY state;

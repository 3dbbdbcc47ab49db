SELECT count(*) FROM invocation;

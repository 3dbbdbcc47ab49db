SELECT log FROM invocation WHERE id = :id;

UPDATE invocation SET result = coalesce(:result, result), log = coalesce(:log, log) WHERE id = :id;

-- One row for each time a process opened the journal and wrote to it. `owner` names the process
-- (boot id, pid, start time, pid namespace), so that what a killed session left can be told from
-- what still runs.
CREATE TABLE session (
    number    INTEGER PRIMARY KEY,
    owner     TEXT NOT NULL,
    opened_at REAL NOT NULL,
    closed_at REAL
) STRICT;

-- Times are seconds since the epoch. The blobs come last: a query that does not ask for them does
-- not read their pages.
CREATE TABLE invocation (
    number      INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    session     INTEGER NOT NULL,
    function    TEXT NOT NULL,
    version     TEXT NOT NULL,
    run_id      TEXT,
    position    INTEGER,
    state       TEXT NOT NULL,
    queued_at   REAL NOT NULL,
    finished_at REAL,
    attempts    INTEGER NOT NULL,
    error       TEXT,
    result_note TEXT,
    failure     TEXT,
    result      BLOB,
    log         BLOB NOT NULL
) STRICT;

CREATE INDEX invocation_by_time ON invocation (queued_at);
CREATE INDEX invocation_by_state ON invocation (state, queued_at);
CREATE INDEX invocation_by_function ON invocation (function, queued_at);
CREATE INDEX invocation_by_run ON invocation (run_id, position) WHERE run_id IS NOT NULL;
CREATE INDEX invocation_unfinished ON invocation (session) WHERE finished_at IS NULL;

-- The figures are NULL until the attempt has ended. Times and durations in seconds, memory in bytes.
CREATE TABLE attempt (
    invocation  INTEGER NOT NULL REFERENCES invocation (number) ON DELETE CASCADE,
    attempt     INTEGER NOT NULL,
    state       TEXT NOT NULL,
    sandbox     TEXT,
    started_at  REAL NOT NULL,
    cold_start  INTEGER NOT NULL,
    queued      REAL,
    wall        REAL,
    user        REAL,
    system      REAL,
    overhead    REAL,
    peak_memory INTEGER,
    error       TEXT,
    PRIMARY KEY (invocation, attempt)
) STRICT, WITHOUT ROWID;

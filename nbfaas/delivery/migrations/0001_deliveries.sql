-- Times are seconds since the epoch. Numbers are never used again. Bodies come last: a query that
-- does not ask for them does not read their pages.

-- `name` is a hash of source and id, for a compact index; two events with one name are the same
-- if their digests are. `deliveries` is 0 where there are none, or none any more.
CREATE TABLE event (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    name        BLOB NOT NULL UNIQUE,
    source      TEXT NOT NULL,
    id          TEXT NOT NULL,
    digest      BLOB NOT NULL,
    depth       INTEGER NOT NULL,
    deliveries  INTEGER NOT NULL,
    accepted_at REAL NOT NULL,
    keep_until  REAL NOT NULL,
    body        TEXT NOT NULL
) STRICT;

CREATE INDEX event_by_id ON event (id);
CREATE INDEX event_bare ON event (keep_until) WHERE deliveries = 0;

-- `turn` is 1 where no other delivery of the trigger with the same key comes first, and always
-- where there is no key: so that what is due is found without looking at what has to wait.
CREATE TABLE delivery (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    event       INTEGER NOT NULL REFERENCES event (number),
    trigger     TEXT NOT NULL,
    target      TEXT NOT NULL,
    key         TEXT,
    state       TEXT NOT NULL,
    turn        INTEGER NOT NULL,
    epoch       INTEGER NOT NULL,
    attempt     INTEGER NOT NULL,
    accepted_at REAL NOT NULL,
    due_at      REAL NOT NULL,
    expires_at  REAL NOT NULL,
    keep_until  REAL NOT NULL,
    died_at     REAL,
    reason      TEXT,
    policy      TEXT NOT NULL,
    body        TEXT
) STRICT;

CREATE INDEX delivery_of_event ON delivery (event);
CREATE INDEX delivery_of_trigger ON delivery (trigger, number);
CREATE INDEX delivery_due ON delivery (trigger, due_at, number)
    WHERE state = 'waiting' AND turn = 1;
CREATE INDEX delivery_expiring ON delivery (expires_at) WHERE state = 'waiting';
CREATE INDEX delivery_undone ON delivery (trigger, number) WHERE state IN ('waiting', 'leased');
CREATE INDEX delivery_in_line ON delivery (trigger, key, number)
    WHERE key IS NOT NULL AND state IN ('waiting', 'leased');
CREATE INDEX delivery_first_in_line ON delivery (trigger, key)
    WHERE key IS NOT NULL AND turn = 1 AND state IN ('waiting', 'leased');
CREATE INDEX delivery_leased ON delivery (number) WHERE state = 'leased';
CREATE INDEX delivery_dead ON delivery (number) WHERE state = 'dead';
CREATE INDEX delivery_dead_of_trigger ON delivery (trigger, number) WHERE state = 'dead';
CREATE INDEX delivery_done ON delivery (keep_until) WHERE state = 'done';

CREATE TABLE attempt (
    delivery   INTEGER NOT NULL REFERENCES delivery (number),
    epoch      INTEGER NOT NULL,
    attempt    INTEGER NOT NULL,
    state      TEXT NOT NULL,
    began_at   REAL NOT NULL,
    ended_at   REAL,
    invocation TEXT,
    sandbox    TEXT,
    wall       REAL,
    error      TEXT,
    PRIMARY KEY (delivery, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE source_state (
    source_key TEXT PRIMARY KEY,
    state      BLOB NOT NULL
) STRICT, WITHOUT ROWID;

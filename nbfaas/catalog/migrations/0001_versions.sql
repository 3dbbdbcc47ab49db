CREATE TABLE IF NOT EXISTS function (
    name TEXT PRIMARY KEY,
    last_number INTEGER NOT NULL  -- numbers are never given twice, even if all versions are removed
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS version (
    name TEXT NOT NULL REFERENCES function (name),
    number INTEGER NOT NULL,
    content_hash TEXT NOT NULL,
    agent TEXT NOT NULL,
    image_id TEXT NOT NULL,
    manifest BLOB NOT NULL,
    created_at REAL NOT NULL,
    PRIMARY KEY (name, number)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS pin (
    name TEXT NOT NULL,
    number INTEGER NOT NULL,
    repository TEXT NOT NULL,
    digest TEXT NOT NULL,
    how TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (name, number, repository),
    FOREIGN KEY (name, number) REFERENCES version (name, number) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS move (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    alias TEXT NOT NULL,
    how TEXT NOT NULL,
    version INTEGER,
    other INTEGER,
    weight REAL NOT NULL,
    at REAL NOT NULL,
    before INTEGER REFERENCES move (id)  -- what a rollback of it leads back to
);
CREATE INDEX IF NOT EXISTS move_of_alias ON move (name, alias);

CREATE TABLE IF NOT EXISTS alias (
    name TEXT NOT NULL REFERENCES function (name),
    alias TEXT NOT NULL,
    state INTEGER NOT NULL REFERENCES move (id),  -- the move that set what holds now
    since REAL NOT NULL,
    PRIMARY KEY (name, alias)
) WITHOUT ROWID;

CREATE TABLE entry (
    name TEXT NOT NULL,  -- the function's
    key TEXT NOT NULL,
    value BLOB NOT NULL,  -- 'J' and JSON, or 'B' and bytes
    expires_at REAL,  -- seconds since the epoch
    UNIQUE (name, key)
);

CREATE INDEX entry_expires ON entry (expires_at) WHERE expires_at IS NOT NULL;

-- What each function has, kept by the triggers below.
CREATE TABLE usage (
    name TEXT PRIMARY KEY,
    entries INTEGER NOT NULL,
    bytes INTEGER NOT NULL  -- of keys and values
) WITHOUT ROWID;

CREATE TRIGGER entry_added AFTER INSERT ON entry BEGIN
    INSERT INTO usage VALUES (new.name, 1, length(CAST(new.key AS BLOB)) + length(new.value))
    ON CONFLICT (name) DO UPDATE
    SET entries = entries + 1, bytes = bytes + excluded.bytes;
END;

CREATE TRIGGER entry_changed AFTER UPDATE OF value ON entry BEGIN
    UPDATE usage SET bytes = bytes + length(new.value) - length(old.value) WHERE name = new.name;
END;

CREATE TRIGGER entry_removed AFTER DELETE ON entry BEGIN
    UPDATE usage
    SET entries = entries - 1, bytes = bytes - length(CAST(old.key AS BLOB)) - length(old.value)
    WHERE name = old.name;
END;

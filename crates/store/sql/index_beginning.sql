-- The index of the transparency log, in a file of its own: all of it is read from the log, and may be lost. A write
-- that is not on the disk after a crash is read from the log once more, so that nothing here waits for the disk.
CREATE TABLE logs (
    number INTEGER PRIMARY KEY,
    origin TEXT    NOT NULL UNIQUE,
    reach  INTEGER NOT NULL
) STRICT;

-- By what an entry is found: its leaf hash, the digest that was signed, the key, the signer's name, and who says so.
CREATE TABLE terms (
    log      INTEGER NOT NULL REFERENCES logs (number),
    kind     INTEGER NOT NULL,
    value    BLOB    NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (log, kind, value, position)
) STRICT, WITHOUT ROWID;

-- From when to when the signer's certificate is valid, in nanoseconds since 1970.
CREATE TABLE validities (
    log        INTEGER NOT NULL REFERENCES logs (number),
    position   INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    not_after  INTEGER NOT NULL,
    PRIMARY KEY (log, position)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 1;

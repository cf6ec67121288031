-- The server's store, from the beginning. Instants are nanoseconds since 1970.

-- Who may write. One row, from the first migration on.
CREATE TABLE lease (
    place  INTEGER PRIMARY KEY CHECK (place = 0),
    holder TEXT    NOT NULL,
    epoch  INTEGER NOT NULL,
    until  INTEGER NOT NULL
) STRICT;
INSERT INTO lease (place, holder, epoch, until) VALUES (0, '', 0, 0);

-- Signing profiles: immutable versions, and which of them is in force under a name.
CREATE TABLE profile_versions (
    digest  BLOB    PRIMARY KEY CHECK (length(digest) = 32),
    name    TEXT    NOT NULL,
    body    BLOB    NOT NULL,
    created INTEGER NOT NULL
) STRICT;
CREATE TABLE profiles (
    name   TEXT PRIMARY KEY,
    digest BLOB NOT NULL REFERENCES profile_versions (digest)
) STRICT;

-- Who may ask, with which credentials, and in which spaces.
CREATE TABLE principals (
    id       BLOB PRIMARY KEY CHECK (length(id) = 16),
    person   BLOB NOT NULL CHECK (length(person) = 16),
    name     TEXT NOT NULL,
    disabled INTEGER
) STRICT;
CREATE TABLE grants (
    principal BLOB NOT NULL REFERENCES principals (id),
    space     TEXT NOT NULL,
    PRIMARY KEY (principal, space)
) STRICT, WITHOUT ROWID;
CREATE TABLE certificates (
    key       BLOB    PRIMARY KEY CHECK (length(key) = 32),
    principal BLOB    NOT NULL REFERENCES principals (id),
    created   INTEGER NOT NULL,
    revoked   INTEGER
) STRICT;
CREATE TABLE api_keys (
    id        BLOB    PRIMARY KEY CHECK (length(id) = 10),
    digest    BLOB    NOT NULL CHECK (length(digest) = 32),
    principal BLOB    NOT NULL REFERENCES principals (id),
    spaces    TEXT    NOT NULL,
    profiles  TEXT,
    created   INTEGER NOT NULL,
    expires   INTEGER NOT NULL,
    revoked   INTEGER
) STRICT;

-- Requests: their state now.
CREATE TABLE requests (
    number          INTEGER PRIMARY KEY,
    id              BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    space           TEXT    NOT NULL,
    profile         TEXT    NOT NULL,
    principal       BLOB    NOT NULL,
    caller          BLOB    NOT NULL,
    request         BLOB    NOT NULL,
    items           BLOB    NOT NULL,
    endorsements    BLOB    NOT NULL,
    idempotency_key TEXT,
    repeat          BLOB    NOT NULL CHECK (length(repeat) = 32),
    submitted       INTEGER NOT NULL,
    deadline        INTEGER NOT NULL,
    state           TEXT    NOT NULL,
    since           INTEGER NOT NULL,
    reasons         BLOB    NOT NULL,
    log_size        INTEGER NOT NULL,
    crashes         INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX requests_by_key ON requests (principal, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX requests_by_repeat ON requests (principal, repeat, submitted);
CREATE INDEX requests_unfinished ON requests (state, deadline) WHERE state IN ('waiting', 'intended');
CREATE TABLE receipts (
    request BLOB    NOT NULL REFERENCES requests (id),
    place   INTEGER NOT NULL,
    name    TEXT    NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (request, place)
) STRICT;

-- The audit ledger: its leaves, and the right edge of the tree over them. Only what strangers tried, and the certificates
-- of holders of ID tokens, are about no request.
CREATE TABLE ledger_leaves (
    place   INTEGER PRIMARY KEY,
    kind    TEXT    NOT NULL,
    request BLOB    CHECK ((request IS NULL) = (kind IN ('strangers', 'certificate'))),
    space   TEXT    NOT NULL,
    time    INTEGER NOT NULL,
    salt    BLOB    NOT NULL,
    record  BLOB    NOT NULL
) STRICT;
CREATE TABLE ledger_edge (
    place INTEGER PRIMARY KEY CHECK (place = 0),
    edge  BLOB    NOT NULL
) STRICT;
-- The right edge as it once was, now and then: from there, the root at a size in between is a few leaves away.
CREATE TABLE ledger_milestones (
    size INTEGER PRIMARY KEY,
    edge BLOB    NOT NULL
) STRICT;

-- The logs: of each its newest checkpoint, and the tiles whose files may not have reached the disk.
CREATE TABLE log_checkpoint (
    log        TEXT PRIMARY KEY CHECK (log IN ('transparency', 'certificates', 'promised')),
    onto       TEXT NOT NULL,
    checkpoint TEXT NOT NULL
) STRICT;
CREATE TABLE staged_tiles (
    log   TEXT NOT NULL,
    path  TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (log, path)
) STRICT;

-- What the log of Rekor v1 promised of its entries. The key process makes a promise once; its time is in seconds.
CREATE TABLE promises (
    origin    TEXT    NOT NULL,
    position  INTEGER NOT NULL,
    time      INTEGER NOT NULL,
    signature BLOB    NOT NULL,
    PRIMARY KEY (origin, position)
) STRICT, WITHOUT ROWID;

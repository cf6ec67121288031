-- For every connection that writes the index: a commit waits for no disk, and the write-ahead log goes into the file seldom and in
-- large pieces. After a loss of power the last commits may be gone, and none of them in part.
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA wal_autocheckpoint = 16384;
PRAGMA journal_size_limit = 134217728;
PRAGMA trusted_schema = OFF;

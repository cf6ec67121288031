-- The write-ahead log, synced at every commit: what returned is on the disk.
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA trusted_schema = OFF;
PRAGMA journal_size_limit = 134217728;
-- A checkpoint of the write-ahead log costs two more syncs and writes every page once more: seldom, and in large pieces.
PRAGMA wal_autocheckpoint = 16384;

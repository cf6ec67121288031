INSERT INTO staged_tiles (log, path, bytes) VALUES (?1, ?2, ?3) ON CONFLICT (log, path) DO NOTHING

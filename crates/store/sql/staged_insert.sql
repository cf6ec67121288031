INSERT INTO staged_tiles (path, bytes) VALUES (?1, ?2) ON CONFLICT (path) DO NOTHING

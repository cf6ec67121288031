SELECT path, bytes FROM staged_tiles WHERE log = ?1 ORDER BY path

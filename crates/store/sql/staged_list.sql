SELECT path, bytes FROM staged_tiles ORDER BY path

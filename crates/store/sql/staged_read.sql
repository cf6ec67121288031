SELECT bytes FROM staged_tiles WHERE path = ?1

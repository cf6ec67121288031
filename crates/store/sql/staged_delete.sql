DELETE FROM staged_tiles WHERE path = ?1

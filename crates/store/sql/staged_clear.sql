DELETE FROM staged_tiles WHERE log = ?1

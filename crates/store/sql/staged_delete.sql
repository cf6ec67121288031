DELETE FROM staged_tiles WHERE log = ?1 AND path = ?2

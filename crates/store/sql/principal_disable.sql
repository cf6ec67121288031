UPDATE principals SET disabled = ?2 WHERE id = ?1 AND disabled IS NULL

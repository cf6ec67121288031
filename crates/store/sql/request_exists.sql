SELECT id FROM requests WHERE id = ?1

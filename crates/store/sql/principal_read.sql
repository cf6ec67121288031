SELECT id, person, name, disabled FROM principals WHERE id = ?1

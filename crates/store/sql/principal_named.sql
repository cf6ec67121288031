SELECT 1 FROM principals WHERE name = ?1 AND disabled IS NULL

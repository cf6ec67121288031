DELETE FROM terms WHERE log = ?1

SELECT 1 FROM terms WHERE log = ?1 AND kind = ?2 AND value = ?3 AND position = ?4

SELECT min(position) FROM terms WHERE log = ?1 AND kind = ?2 AND value = ?3

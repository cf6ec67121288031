SELECT position FROM terms
WHERE log = ?1 AND kind = ?2 AND value = ?3 AND position >= ?4 AND position < ?5
ORDER BY position LIMIT ?6

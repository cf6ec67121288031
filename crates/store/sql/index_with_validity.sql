SELECT position FROM validities
WHERE log = ?1 AND position >= ?2 AND position < ?3
ORDER BY position LIMIT ?4

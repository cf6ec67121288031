SELECT 1 FROM validities WHERE log = ?1 AND position = ?2 AND not_before <= ?4 AND not_after >= ?3

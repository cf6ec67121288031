SELECT 1 FROM validities WHERE log = ?1 AND position = ?2 AND not_before = ?3 AND not_after = ?4

INSERT INTO validities (log, position, not_before, not_after) VALUES (?1, ?2, ?3, ?4)

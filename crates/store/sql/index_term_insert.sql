INSERT INTO terms (log, kind, value, position) VALUES (?1, ?2, ?3, ?4)

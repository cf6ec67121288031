INSERT INTO principals (id, person, name, disabled) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING

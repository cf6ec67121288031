INSERT INTO certificates (key, principal, created) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING

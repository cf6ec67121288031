INSERT INTO grants (principal, space) VALUES (?1, ?2) ON CONFLICT DO NOTHING

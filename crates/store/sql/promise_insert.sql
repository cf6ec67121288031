INSERT INTO promises (origin, position, time, signature) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING

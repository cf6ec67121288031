INSERT INTO api_keys (id, digest, principal, spaces, profiles, created, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT DO NOTHING

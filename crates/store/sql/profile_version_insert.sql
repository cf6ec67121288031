INSERT INTO profile_versions (digest, name, body, created) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (digest) DO NOTHING

SELECT id, digest, principal, spaces, profiles, created, expires, revoked FROM api_keys WHERE id = ?1

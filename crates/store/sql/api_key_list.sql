SELECT id, digest, principal, spaces, profiles, created, expires, revoked FROM api_keys ORDER BY created, id

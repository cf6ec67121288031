SELECT key, principal, created, revoked FROM certificates WHERE key = ?1

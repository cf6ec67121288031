SELECT id FROM requests WHERE principal = ?1 AND idempotency_key = ?2

UPDATE requests SET crashes = crashes + 1 WHERE id = ?1 AND state = 'intended'

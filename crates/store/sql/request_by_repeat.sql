SELECT id FROM requests
WHERE principal = ?1 AND repeat = ?2 AND submitted >= ?3 AND state IN ('waiting', 'intended', 'done')
ORDER BY submitted DESC LIMIT 1

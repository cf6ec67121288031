SELECT id FROM requests
WHERE state IN ('waiting', 'intended') AND (state = 'intended' OR deadline <= ?1)
ORDER BY number

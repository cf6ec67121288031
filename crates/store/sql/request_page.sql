SELECT id, profile, principal, submitted, deadline, state, since, reasons
FROM requests
WHERE (?1 IS NULL OR number < (SELECT number FROM requests WHERE id = ?1))
  AND (?2 IS NULL OR state = ?2)
  AND (?3 IS NULL OR profile = ?3)
ORDER BY number DESC

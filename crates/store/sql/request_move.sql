UPDATE requests SET state = ?3, since = ?4, reasons = ?5, endorsements = ?6, log_size = ?7
WHERE id = ?1 AND state = ?2

SELECT name, body FROM receipts WHERE request = ?1 ORDER BY place

SELECT number, name FROM migrations ORDER BY number DESC LIMIT 1

INSERT INTO receipts (request, place, name, body) VALUES (?1, ?2, ?3, ?4)

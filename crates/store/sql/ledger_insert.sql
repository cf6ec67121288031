INSERT INTO ledger_leaves (place, kind, request, space, time, salt, record) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)

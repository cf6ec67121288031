INSERT INTO ledger_milestones (size, edge) VALUES (?1, ?2)

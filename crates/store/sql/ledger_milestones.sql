SELECT size, edge FROM ledger_milestones ORDER BY size

SELECT edge FROM ledger_milestones WHERE size <= ?1 ORDER BY size DESC LIMIT 1

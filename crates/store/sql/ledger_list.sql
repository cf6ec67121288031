SELECT kind, request, space, time, salt, record FROM ledger_leaves WHERE place >= ?1 ORDER BY place LIMIT ?2

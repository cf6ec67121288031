SELECT kind, request, space, time, salt, record FROM ledger_leaves WHERE place >= ?1 AND place < ?2 ORDER BY place

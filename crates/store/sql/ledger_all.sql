SELECT place, kind, request, space, time, salt, record FROM ledger_leaves ORDER BY place

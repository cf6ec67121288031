SELECT edge FROM ledger_edge WHERE place = 0

INSERT INTO ledger_edge (place, edge) VALUES (0, ?1) ON CONFLICT (place) DO UPDATE SET edge = excluded.edge

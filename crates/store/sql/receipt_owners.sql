SELECT DISTINCT request FROM receipts

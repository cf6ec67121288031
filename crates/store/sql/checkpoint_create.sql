INSERT INTO log_checkpoint (log, onto, checkpoint) VALUES (?1, ?2, ?2) ON CONFLICT DO NOTHING

INSERT INTO log_checkpoint (place, onto, checkpoint) VALUES (0, ?1, ?1) ON CONFLICT DO NOTHING

DELETE FROM log_checkpoint WHERE log = ?1

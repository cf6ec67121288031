DELETE FROM log_checkpoint WHERE place = 0

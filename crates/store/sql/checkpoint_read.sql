SELECT onto, checkpoint FROM log_checkpoint WHERE log = ?1

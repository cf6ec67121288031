SELECT onto, checkpoint FROM log_checkpoint WHERE place = 0

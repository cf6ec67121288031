SELECT holder, epoch, until FROM lease WHERE place = 0

UPDATE lease SET holder = ?1, epoch = epoch + 1, until = ?2 WHERE place = 0

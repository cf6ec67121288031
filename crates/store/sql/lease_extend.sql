UPDATE lease SET until = ?1 WHERE place = 0

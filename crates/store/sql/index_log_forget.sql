UPDATE logs SET reach = 0 WHERE number = ?1

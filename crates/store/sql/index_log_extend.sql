UPDATE logs SET reach = ?3 WHERE number = ?1 AND reach = ?2

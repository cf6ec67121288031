UPDATE log_checkpoint SET onto = ?1, checkpoint = ?2 WHERE place = 0 AND checkpoint = ?1

UPDATE log_checkpoint SET onto = ?2, checkpoint = ?3 WHERE log = ?1 AND checkpoint = ?2

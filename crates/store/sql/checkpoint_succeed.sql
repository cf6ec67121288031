UPDATE log_checkpoint SET onto = ?3, checkpoint = ?3 WHERE log = ?1 AND checkpoint = ?2

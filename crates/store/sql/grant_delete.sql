DELETE FROM grants WHERE principal = ?1 AND space = ?2

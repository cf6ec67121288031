SELECT space FROM grants WHERE principal = ?1 ORDER BY space

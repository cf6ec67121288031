SELECT number, reach FROM logs WHERE origin = ?1

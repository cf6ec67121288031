SELECT time, signature FROM promises WHERE origin = ?1 AND position = ?2

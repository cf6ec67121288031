SELECT origin FROM logs WHERE reach > 0 ORDER BY number

INSERT INTO logs (origin, reach) VALUES (?1, 0) ON CONFLICT (origin) DO NOTHING

SELECT origin, position, time, signature FROM promises ORDER BY origin, position

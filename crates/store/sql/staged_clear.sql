DELETE FROM staged_tiles

SELECT (SELECT count(*) FROM terms WHERE log = ?1) + (SELECT count(*) FROM validities WHERE log = ?1)

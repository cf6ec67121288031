DELETE FROM validities WHERE log = ?1

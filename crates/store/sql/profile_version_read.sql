SELECT body FROM profile_versions WHERE digest = ?1

SELECT version.body FROM profiles JOIN profile_versions AS version USING (digest) WHERE profiles.name = ?1

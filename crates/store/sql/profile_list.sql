SELECT version.body FROM profiles JOIN profile_versions AS version USING (digest) ORDER BY profiles.name

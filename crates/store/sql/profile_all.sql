SELECT profiles.name AS pointer, version.name AS name, version.digest AS digest, version.body AS body
FROM profile_versions AS version LEFT JOIN profiles USING (digest) ORDER BY version.name

SELECT id, person, name, disabled FROM principals ORDER BY name, id

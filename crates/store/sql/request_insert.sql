INSERT INTO requests (id, space, profile, principal, caller, request, items, endorsements, idempotency_key, repeat,
                      submitted, deadline, state, since, reasons, log_size, crashes)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
ON CONFLICT DO NOTHING

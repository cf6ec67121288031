SELECT id, space, profile, caller, request, items, endorsements, idempotency_key, repeat, submitted, deadline, state,
       since, reasons, log_size, crashes
FROM requests ORDER BY number

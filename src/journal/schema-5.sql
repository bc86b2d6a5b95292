-- From version 4: payments that share an id, and what requests said.

-- Further payments of one invoice (or of another id that several payments share) go by ids of their
-- own; the first goes by the shared one, which stands here for the others. Sealed where it is set.
ALTER TABLE event ADD COLUMN shared_id TEXT;
ALTER TABLE held ADD COLUMN shared_id TEXT;

-- What a request said beside its event. NULL: written by an earlier version, which kept none of it.
ALTER TABLE attempt ADD COLUMN sent_event_id INTEGER CHECK (sent_event_id IN (0, 1)); -- whether it had the id
ALTER TABLE attempt ADD COLUMN sent_currency TEXT;  -- the currency that it named; '' for the account's
ALTER TABLE attempt ADD COLUMN sent_digest BLOB CHECK (length(sent_digest) = 16); -- of the body, by SHA-256

DROP VIEW IF EXISTS attempts_readable;
CREATE VIEW attempts_readable AS
SELECT event.event_id, event.kind, attempt.number, run.name AS run,
       strftime('%Y-%m-%dT%H:%M:%SZ', intended_ms / 1000, 'unixepoch') AS intended_at,
       strftime('%Y-%m-%dT%H:%M:%SZ', answered_ms / 1000, 'unixepoch') AS answered_at,
       attempt.answer, attempt.effect, attempt.http_status, attempt.message,
       attempt.sent_event_id, attempt.sent_currency, lower(hex(attempt.sent_digest)) AS sent_digest
FROM attempt JOIN event ON event.id = attempt.event JOIN run ON run.id = attempt.run;

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

-- What exports of invoices said of payments, whether or not a run has read the payment yet.
CREATE TABLE invoice (
    key           BLOB    NOT NULL PRIMARY KEY CHECK (length(key) = 16), -- as in `event`
    invoice_id    TEXT    NOT NULL,
    amount_cents  INTEGER,                 -- what counts
    currency      TEXT,
    gross_cents   INTEGER,                 -- what was paid in all, where that is another amount
    email         TEXT,
    uid           TEXT,
    subscription  TEXT,
    plan          TEXT,
    created_at_ms INTEGER,
    seal          INTEGER NOT NULL         -- checksum of the columns before
) STRICT, WITHOUT ROWID;

-- The plans of subscriptions, by the provider's id of the subscription.
CREATE TABLE subscription_plan (
    subscription TEXT    NOT NULL PRIMARY KEY,
    plan         TEXT    NOT NULL,
    seal         INTEGER NOT NULL          -- checksum of the columns before
) STRICT, WITHOUT ROWID;

-- Refunds of which nothing counts, since their share rounds to nothing: they are not sent, and what was
-- paid back with them is refunded of their sale all the same.
CREATE TABLE uncounted_refund (
    key         BLOB    NOT NULL PRIMARY KEY CHECK (length(key) = 16), -- as in `event`
    sale_key    BLOB    NOT NULL CHECK (length(sale_key) = 16),
    gross_cents INTEGER NOT NULL,
    seal        INTEGER NOT NULL           -- checksum of the columns before
) STRICT, WITHOUT ROWID;

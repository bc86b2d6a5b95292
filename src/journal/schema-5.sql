-- From version 4: payments that share an id, what requests said, what exports of invoices said, what needs
-- attention although the API has answered, what of it a run met again, and what somebody accepted.

-- Further payments of one invoice (or of another id that several payments share) go by ids of their
-- own; the first goes by the shared one, which stands here for the others. Sealed where it is set.
ALTER TABLE event ADD COLUMN shared_id TEXT;
ALTER TABLE held ADD COLUMN shared_id TEXT;

-- How many requests a minute the account takes, as its 429s have shown; nothing where it took what it was asked.
ALTER TABLE run ADD COLUMN learned_per_minute INTEGER CHECK (learned_per_minute > 0);
UPDATE run SET learned_per_minute =
    (SELECT CAST(value AS INTEGER) FROM problem
     WHERE problem.run = run.id AND code = 'limit-lower' AND CAST(value AS INTEGER) > 0
     ORDER BY problem.id DESC LIMIT 1);

-- What a request said beside its event. NULL: written by an earlier version, which kept none of it.
ALTER TABLE attempt ADD COLUMN sent_event_id INTEGER CHECK (sent_event_id IN (0, 1)); -- whether it had the id
ALTER TABLE attempt ADD COLUMN sent_currency TEXT;  -- the currency that it named; '' for the account's
ALTER TABLE attempt ADD COLUMN sent_digest BLOB CHECK (length(sent_digest) = 16); -- of the body, by SHA-256
-- Checksums. NULL: written by an earlier version, or not answered.
ALTER TABLE attempt ADD COLUMN seal INTEGER;        -- of the key and of what was intended
ALTER TABLE attempt ADD COLUMN answer_seal INTEGER; -- of the key and of what was answered

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

-- Events whose answer needs a person although it settles them, by the word of the reason.
CREATE TABLE flag (
    event INTEGER NOT NULL PRIMARY KEY REFERENCES event (id),
    code  TEXT    NOT NULL,
    seal  INTEGER NOT NULL               -- checksum of the columns before
) STRICT;

-- Events that an earlier run settled as failed, unconfirmed or flagged, and that the exports of this
-- run have again. In the shape of `run_event`.
CREATE TABLE met_event (
    run   INTEGER NOT NULL REFERENCES run (id),
    event INTEGER NOT NULL REFERENCES event (id),
    input INTEGER REFERENCES input (id),
    line  INTEGER,
    PRIMARY KEY (run, event)
) STRICT, WITHOUT ROWID;

-- Items that somebody has looked at and accepted as they are. An item that changes is another item.
-- Nothing here decides what is sent.
CREATE TABLE accepted (
    id           INTEGER NOT NULL PRIMARY KEY,
    item         BLOB    NOT NULL CHECK (length(item) = 16), -- hash of what exactly was accepted
    code         TEXT    NOT NULL,       -- why it needed attention: failed, held, rejected ...
    kind         TEXT,                   -- events: sale, refund ...; NULL for a row
    event_id     TEXT,                   -- NULL for a row
    amount_cents INTEGER,
    currency     TEXT,
    file         TEXT,                   -- where it stood when it was accepted
    line         INTEGER,
    message      TEXT    NOT NULL,       -- what the report said of it
    reason       TEXT    NOT NULL,       -- why it was accepted
    accepted_by  TEXT    NOT NULL,       -- user and host
    accepted_ms  INTEGER NOT NULL,
    undone_by    TEXT,                   -- NULL: it is accepted
    undone_ms    INTEGER,
    seal         INTEGER NOT NULL,       -- checksum of the columns before
    CHECK ((amount_cents IS NULL) = (currency IS NULL)),
    CHECK ((undone_by IS NULL) = (undone_ms IS NULL))
) STRICT;
CREATE INDEX accepted_by_item ON accepted (item);

CREATE VIEW accepted_readable AS
SELECT id, code, kind, event_id, amount_cents, currency, file, line, message, reason, accepted_by,
       strftime('%Y-%m-%dT%H:%M:%SZ', accepted_ms / 1000, 'unixepoch') AS accepted_at, undone_by,
       strftime('%Y-%m-%dT%H:%M:%SZ', undone_ms / 1000, 'unixepoch') AS undone_at
FROM accepted;

-- Differences of audits that somebody has looked at and accepted as they are. One that changes is another.
CREATE TABLE accepted_difference (
    id               INTEGER NOT NULL PRIMARY KEY,
    seen             BLOB    NOT NULL CHECK (length(seen) = 16), -- hash of what exactly was accepted
    difference       TEXT    NOT NULL,   -- its id in the audits
    kind             TEXT    NOT NULL,   -- as in the audits
    difference_cents INTEGER NOT NULL,   -- what is set to be paid too much; below zero: too little
    concerned_cents  INTEGER NOT NULL,   -- the money that it is about
    unit             TEXT    NOT NULL,   -- the currency, or the word of what is not money
    message          TEXT    NOT NULL,   -- what the audit said of it
    reason           TEXT    NOT NULL,   -- why it was accepted
    accepted_by      TEXT    NOT NULL,   -- user and host
    accepted_ms      INTEGER NOT NULL,
    undone_by        TEXT,               -- NULL: it is accepted
    undone_ms        INTEGER,
    seal             INTEGER NOT NULL,   -- checksum of the columns before
    CHECK ((undone_by IS NULL) = (undone_ms IS NULL))
) STRICT;

-- Further ids of payments that were read after the payment was recorded, such as that of the invoice of a
-- charge: a payment that an export names by one of them is the recorded one.
CREATE TABLE alias (
    key      BLOB NOT NULL PRIMARY KEY CHECK (length(key) = 16), -- of the further id, as in `event`
    event_id TEXT NOT NULL,
    seal     INTEGER NOT NULL              -- checksum of the columns before
) STRICT, WITHOUT ROWID;

-- Uids that are not the id of one customer, such as that of all guests of a shop: they are not sent.
CREATE TABLE shared_uid (
    uid  TEXT    NOT NULL PRIMARY KEY,
    seal INTEGER NOT NULL                  -- checksum of the column before
) STRICT, WITHOUT ROWID;

-- The last commit: exactly one row, which every commit changes. The record beside the journal has the same,
-- so that a journal that lost commits is noticed.
CREATE TABLE last_commit (
    id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    journal BLOB    NOT NULL CHECK (length(journal) = 16), -- drawn once, for this journal
    number  INTEGER NOT NULL,              -- from 1; 0: none was counted yet
    mark    BLOB    NOT NULL CHECK (length(mark) = 16), -- drawn for each commit
    schema_seal INTEGER NOT NULL           -- checksum of the text of all tables, views and indexes
) STRICT;
INSERT INTO last_commit (id, journal, number, mark, schema_seal)
VALUES (1, randomblob(16), 0, randomblob(16), 0);

-- Losses of commits with which somebody went on (`journal recover`).
CREATE TABLE lost_commits (
    id           INTEGER NOT NULL PRIMARY KEY,
    what         TEXT    NOT NULL,         -- how the loss was known
    until_ms     INTEGER,                  -- what is new to the journal and happened before may have been sent; NULL: nothing
    recovered_ms INTEGER NOT NULL,
    recovered_by TEXT    NOT NULL          -- user and host
) STRICT;

-- Events that may have been sent by a request whose record was lost.
CREATE TABLE in_doubt (
    event INTEGER NOT NULL PRIMARY KEY REFERENCES event (id),
    seal  INTEGER NOT NULL                 -- checksum of the columns before
) STRICT;

-- From version 7: runs that undo another one, payouts that were marked as paid, the dates of leads, and checksums of
-- losses, and how many there are.

-- The runs that were started to undo another one, and that one. Their `command` is `run` in the table `run`,
-- which is older.
CREATE TABLE undo (
    run    INTEGER NOT NULL PRIMARY KEY REFERENCES run (id),
    of_run INTEGER NOT NULL REFERENCES run (id),
    account_check TEXT,                   -- JSON: what the account's list said of the sales; NULL: it was not read
    seal   INTEGER NOT NULL               -- checksum of the columns before
) STRICT;

-- The sales of which an undo found that others have refunded all: nothing is left of them to refund.
CREATE TABLE refunded_by_others (
    sale         INTEGER NOT NULL PRIMARY KEY REFERENCES event (id),
    amount_cents INTEGER NOT NULL,        -- what others have refunded, in the account's currency
    found_ms     INTEGER NOT NULL,
    seal         INTEGER NOT NULL         -- checksum of the columns before
) STRICT;

-- The running totals of refunds of which others had sent a part when this journal sent the rest.
CREATE TABLE part_in_account (
    event        INTEGER NOT NULL PRIMARY KEY REFERENCES event (id),
    amount_cents INTEGER NOT NULL,        -- that part, in minor units
    seal         INTEGER NOT NULL         -- checksum of the columns before
) STRICT;

-- The runs that sent sales as commissions of known referrals: a lost answer of such a sale is looked up, whatever the
-- settings say by then.
CREATE TABLE commission_run (
    run  INTEGER NOT NULL PRIMARY KEY REFERENCES run (id),
    seal INTEGER NOT NULL                 -- checksum of the column before
) STRICT;

-- The events of which their export says that they happened at midnight in UTC. Of any other one with that time it says
-- only the day.
CREATE TABLE timed_at_midnight (
    event INTEGER NOT NULL PRIMARY KEY REFERENCES event (id),
    seal  INTEGER NOT NULL                -- checksum of `event`
) STRICT;

-- The rows that were ignored with a warning: each may have been an event. One that later exports have again is kept once,
-- with its latest place.
CREATE TABLE left_out_row (
    content      BLOB    NOT NULL PRIMARY KEY CHECK (length(content) = 16), -- hash: profile, header, reason, cells
    run          INTEGER NOT NULL REFERENCES run (id),   -- the latest that has it
    input        INTEGER NOT NULL REFERENCES input (id),
    line         INTEGER NOT NULL,        -- the header is line 1
    rows         INTEGER NOT NULL,        -- with this content in that run
    amount_cents INTEGER,                 -- of one row, as it stands in the export
    currency     TEXT,
    reason       TEXT    NOT NULL,
    seal         INTEGER NOT NULL         -- checksum of the columns before
) STRICT, WITHOUT ROWID;

-- The runs of earlier versions that have such rows: of them only warnings are kept.
CREATE TABLE left_out_before (
    run INTEGER NOT NULL PRIMARY KEY REFERENCES run (id)
) STRICT;
INSERT INTO left_out_before SELECT DISTINCT run FROM problem WHERE code = 'row-ignored' OR code = 'no-customer';

-- A request for a payout of commissions, or to mark one as paid: on disk before it is sent. While `answered_ms` is
-- empty, its result is not known.
CREATE TABLE payout_request (
    id                 INTEGER NOT NULL PRIMARY KEY,
    step               TEXT    NOT NULL CHECK (step IN ('create', 'mark_as_paid')),
    promoter_id        TEXT    NOT NULL,  -- the API's own ids
    payout_id          TEXT,              -- of the payout to mark
    commission_ids     TEXT    NOT NULL,  -- with spaces between them
    amount_cents       INTEGER NOT NULL,  -- the sum of the commissions
    intended_ms        INTEGER NOT NULL,
    seal               INTEGER NOT NULL,  -- checksum of the columns before
    answered_ms        INTEGER,
    answer             TEXT,
    http_status        INTEGER,
    message            TEXT,
    answered_payout_id TEXT,              -- of the payout that was created
    answer_seal        INTEGER            -- checksum of the answer
) STRICT;

-- The commissions that a listing of the account has shown as paid, by requests of this journal.
CREATE TABLE paid_commission (
    commission_id TEXT    NOT NULL PRIMARY KEY,
    event         INTEGER NOT NULL REFERENCES event (id),
    payout_id     TEXT,
    amount_cents  INTEGER NOT NULL,
    paid_ms       INTEGER NOT NULL,
    seal          INTEGER NOT NULL        -- checksum of the columns before
) STRICT;

-- A request that makes a lead a customer since its first sale: on disk before it is sent. While `answered_ms` is
-- empty, its result is not known.
CREATE TABLE lead_date_request (
    id          INTEGER NOT NULL PRIMARY KEY,
    lead_id     TEXT    NOT NULL,          -- the API's own id
    event       INTEGER NOT NULL REFERENCES event (id),  -- the first sale
    since_ms    INTEGER NOT NULL,          -- its date
    intended_ms INTEGER NOT NULL,
    seal        INTEGER NOT NULL,          -- checksum of the columns before
    answered_ms INTEGER,
    answer      TEXT,
    http_status INTEGER,
    message     TEXT,
    answer_seal INTEGER                    -- checksum of the answer
) STRICT;

-- What is recorded of a loss decides what is sent again: its rows have checksums, and are counted. Those of earlier
-- versions have none.
ALTER TABLE lost_commits ADD COLUMN seal INTEGER;
ALTER TABLE last_commit ADD COLUMN losses INTEGER NOT NULL DEFAULT 0;
UPDATE last_commit SET losses = (SELECT count(*) FROM lost_commits);

-- So are the events that may have been sent: where one is not there any more, it would be sent again.
ALTER TABLE last_commit ADD COLUMN events_in_doubt INTEGER NOT NULL DEFAULT 0;
UPDATE last_commit SET events_in_doubt = (SELECT count(*) FROM in_doubt);
CREATE TRIGGER count_event_in_doubt AFTER INSERT ON in_doubt
BEGIN
    UPDATE last_commit SET events_in_doubt = events_in_doubt + 1;
END;

-- The account, and what is shown to a person and comes back from there, have checksums as well. Rows of earlier versions
-- have none.
ALTER TABLE account ADD COLUMN seal INTEGER;
ALTER TABLE held ADD COLUMN seal INTEGER;
ALTER TABLE source_row ADD COLUMN seal INTEGER;

DROP VIEW IF EXISTS runs_readable;
CREATE VIEW runs_readable AS
SELECT id, name, CASE WHEN id IN (SELECT run FROM undo) THEN 'undo' ELSE command END AS command,
       strftime('%Y-%m-%dT%H:%M:%SZ', started_ms / 1000, 'unixepoch') AS started_at,
       strftime('%Y-%m-%dT%H:%M:%SZ', ended_ms / 1000, 'unixepoch') AS ended_at,
       end_reason, exit_code, requests, elapsed_ms / 1000 AS elapsed_seconds, report_dir
FROM run;

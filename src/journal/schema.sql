-- The journal of one account of the Tracking API: what was intended, tried and answered.
--
-- Open it with any SQL tool, for reading: fprecon seals what it writes (columns `seal` and
-- `result_seal`) and refuses a journal whose rows were changed by hand or by a failing disk.
--
-- The words of a column are compared one by one: SQLite would make a table of a list (`IN`) anew for
-- every row that is written.
--
-- Conventions: amounts are integers in minor units (`_cents`) with the currency beside them; times
-- are integers, milliseconds since 1970-01-01 UTC (`_ms`); states are words. The views whose names
-- end in `_readable` have ISO dates.

PRAGMA application_id = 0x46505243; -- "FPRC"

-- Whose journal this is: exactly one row. Another account's run is refused.
CREATE TABLE account (
    id         INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    api        TEXT    NOT NULL,          -- v1 or v2
    base_url   TEXT    NOT NULL,
    account_id TEXT    NOT NULL,          -- v1: the wid
    created_ms INTEGER NOT NULL
) STRICT;

-- One call of `run`, `retry` or `demo`; a `resume` goes on with the run that it finds.
CREATE TABLE run (
    id         INTEGER NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,   -- start time and id, fit for a directory
    command    TEXT    NOT NULL CHECK (command IN ('run', 'retry', 'demo')),
    started_ms INTEGER NOT NULL,
    ended_ms   INTEGER,                   -- NULL: under way, or killed
    end_reason TEXT CHECK (end_reason IN
        ('done', 'interrupted', 'api_unreachable', 'key_refused', 'journal')),
    exit_code  INTEGER,
    requests   INTEGER NOT NULL DEFAULT 0, -- over all resumes that ended by themselves
    elapsed_ms INTEGER NOT NULL DEFAULT 0, -- likewise
    report_dir TEXT
) STRICT;

-- The exports of a run, in the order in which they were given.
CREATE TABLE input (
    id               INTEGER NOT NULL PRIMARY KEY,
    run              INTEGER NOT NULL REFERENCES run (id),
    ordinal          INTEGER NOT NULL,    -- from 0
    path             TEXT    NOT NULL,
    sha256           TEXT    NOT NULL,
    profile          TEXT    NOT NULL,
    header           TEXT    NOT NULL,    -- JSON array of the header's cells
    rows_read        INTEGER NOT NULL,    -- = the three below
    rows_with_events INTEGER NOT NULL,
    rows_ignored     INTEGER NOT NULL,
    rows_rejected    INTEGER NOT NULL,
    UNIQUE (run, ordinal)
) STRICT;

-- Everything that was ever to be told to the API, once, and what the API said in the end.
--
-- `id` is the order of sending. `key` is the first 128 bits of the SHA-256 of `event_id`. It has no
-- index on purpose: there is one writer at a time, it loads all keys before it adds any, and a key
-- that is found twice is reported as damage.
CREATE TABLE event (
    id                 INTEGER NOT NULL PRIMARY KEY,
    key                BLOB    NOT NULL CHECK (length(key) = 16),
    seal               INTEGER NOT NULL,  -- checksum of `id`, `key` and the columns down to `note`
    kind               TEXT    NOT NULL CHECK
        (kind = 'sale' OR kind = 'refund' OR kind = 'cancellation' OR kind = 'signup'),
    event_id           TEXT    NOT NULL,
    sale_event_id      TEXT,              -- refunds: the sale that is undone
    email              TEXT,
    uid                TEXT,
    amount_cents       INTEGER,           -- positive for sales and refunds
    currency           TEXT,
    refund_total_cents INTEGER,           -- refunds read from a running total: that total
    plan               TEXT,
    mrr_cents          INTEGER,
    promo_code         TEXT,
    quantity           INTEGER,
    ref_id             TEXT,
    tid                TEXT,
    first_name         TEXT,
    last_name          TEXT,
    created_at_ms      INTEGER,           -- when it happened, as the export says
    note               TEXT    NOT NULL,  -- how it was read and linked
    -- The result. NULL: not settled; a run that has the event is not finished.
    outcome            TEXT CHECK
        (outcome = 'tracked' OR outcome = 'already_tracked' OR outcome = 'non_referral'
         OR outcome = 'failed' OR outcome = 'unconfirmed'),
    inferred           INTEGER NOT NULL DEFAULT 0 CHECK (inferred IN (0, 1)), -- 1: not asked
    http_status        INTEGER,
    message            TEXT,
    settled_ms         INTEGER,
    api_event_id       TEXT,
    promoter_email     TEXT,
    promoter_ref_id    TEXT,
    commission_cents   INTEGER,
    result_seal        INTEGER,           -- checksum of `id` and the columns of the result
    CHECK ((amount_cents IS NULL) = (currency IS NULL)),
    CHECK ((outcome IS NULL) = (settled_ms IS NULL)),
    CHECK ((outcome IS NULL) = (result_seal IS NULL))
) STRICT;

-- The events that a run set out to send, and where they stand in its exports.
CREATE TABLE run_event (
    run   INTEGER NOT NULL REFERENCES run (id),
    event INTEGER NOT NULL REFERENCES event (id),
    input INTEGER REFERENCES input (id),  -- a retry has its events' latest place
    line  INTEGER,                        -- the header is line 1
    PRIMARY KEY (run, event)
) STRICT, WITHOUT ROWID;

-- Events that a run will not send: they contradict what is known, or their sale was not found.
CREATE TABLE held (
    id                 INTEGER NOT NULL PRIMARY KEY,
    run                INTEGER NOT NULL REFERENCES run (id),
    plan_state         TEXT    NOT NULL CHECK (plan_state IN ('conflict', 'unlinked')),
    input              INTEGER REFERENCES input (id),
    line               INTEGER,
    kind               TEXT    NOT NULL CHECK (kind IN ('sale', 'refund', 'cancellation', 'signup')),
    event_id           TEXT    NOT NULL,
    sale_event_id      TEXT,
    email              TEXT,
    uid                TEXT,
    amount_cents       INTEGER,
    currency           TEXT,
    refund_total_cents INTEGER,
    plan               TEXT,
    mrr_cents          INTEGER,
    promo_code         TEXT,
    quantity           INTEGER,
    ref_id             TEXT,
    tid                TEXT,
    first_name         TEXT,
    last_name          TEXT,
    created_at_ms      INTEGER,
    note               TEXT    NOT NULL,  -- with the reason
    CHECK ((amount_cents IS NULL) = (currency IS NULL))
) STRICT;
CREATE INDEX held_by_run ON held (run);

-- What a run's exports gave, by what was decided about it: the sum is all events.
CREATE TABLE run_total (
    run          INTEGER NOT NULL REFERENCES run (id),
    plan_state   TEXT    NOT NULL CHECK (plan_state IN
        ('to_send', 'settled', 'duplicate', 'conflict', 'unlinked')),
    kind         TEXT    NOT NULL CHECK (kind IN ('sale', 'refund', 'cancellation', 'signup')),
    currency     TEXT    NOT NULL,        -- '' for events without an amount
    count        INTEGER NOT NULL,
    amount_cents INTEGER NOT NULL,
    PRIMARY KEY (run, plan_state, kind, currency)
) STRICT, WITHOUT ROWID;

-- Rows of the exports that gave no event, as they were.
CREATE TABLE source_row (
    id          INTEGER NOT NULL PRIMARY KEY,
    run         INTEGER NOT NULL REFERENCES run (id),
    input       INTEGER NOT NULL REFERENCES input (id),
    line        INTEGER NOT NULL,
    disposition TEXT    NOT NULL CHECK (disposition IN ('ignored', 'rejected')),
    reason      TEXT    NOT NULL,
    fields      TEXT    NOT NULL          -- JSON array of the cells
) STRICT;
CREATE INDEX source_row_by_run ON source_row (run, disposition);

-- What a run's plan had to say about its exports.
CREATE TABLE problem (
    id          INTEGER NOT NULL PRIMARY KEY,
    run         INTEGER NOT NULL REFERENCES run (id),
    severity    TEXT    NOT NULL,
    code        TEXT    NOT NULL,
    file        TEXT,
    line        INTEGER,
    column_name TEXT,
    value       TEXT,
    message     TEXT    NOT NULL,
    hint        TEXT
) STRICT;
CREATE INDEX problem_by_run ON problem (run);

-- Every request. The row is on disk before the request goes out; while `answer` is NULL nothing is
-- known of what came of it.
CREATE TABLE attempt (
    event       INTEGER NOT NULL REFERENCES event (id),
    number      INTEGER NOT NULL,         -- from 1, over all runs
    run         INTEGER NOT NULL REFERENCES run (id),
    intended_ms INTEGER NOT NULL,
    answered_ms INTEGER,
    answer      TEXT,                     -- what the answer was taken for
    effect      TEXT CHECK (effect = 'recorded' OR effect = 'none' OR effect = 'unknown'),
    http_status INTEGER,
    message     TEXT,
    PRIMARY KEY (event, number),
    CHECK ((answer IS NULL) = (effect IS NULL)),
    CHECK ((answer IS NULL) = (answered_ms IS NULL))
) STRICT, WITHOUT ROWID;

CREATE VIEW events_readable AS
SELECT id, kind, event_id, sale_event_id, email, uid, amount_cents, currency, plan, mrr_cents,
       promo_code, quantity,
       strftime('%Y-%m-%dT%H:%M:%SZ', created_at_ms / 1000, 'unixepoch') AS created_at,
       coalesce(outcome, 'not_sent') AS outcome, inferred, http_status, message,
       strftime('%Y-%m-%dT%H:%M:%SZ', settled_ms / 1000, 'unixepoch') AS settled_at,
       api_event_id, promoter_email, promoter_ref_id, commission_cents, note
FROM event;

CREATE VIEW attempts_readable AS
SELECT event.event_id, event.kind, attempt.number, run.name AS run,
       strftime('%Y-%m-%dT%H:%M:%SZ', intended_ms / 1000, 'unixepoch') AS intended_at,
       strftime('%Y-%m-%dT%H:%M:%SZ', answered_ms / 1000, 'unixepoch') AS answered_at,
       attempt.answer, attempt.effect, attempt.http_status, attempt.message
FROM attempt JOIN event ON event.id = attempt.event JOIN run ON run.id = attempt.run;

CREATE VIEW runs_readable AS
SELECT id, name, command,
       strftime('%Y-%m-%dT%H:%M:%SZ', started_ms / 1000, 'unixepoch') AS started_at,
       strftime('%Y-%m-%dT%H:%M:%SZ', ended_ms / 1000, 'unixepoch') AS ended_at,
       end_reason, exit_code, requests, elapsed_ms / 1000 AS elapsed_seconds, report_dir
FROM run;

-- A journal as version 1 of the program wrote it: Recurly and Chargebee rows, sent to the sandbox.
PRAGMA foreign_keys = OFF;
PRAGMA application_id = 1179669059;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE account (
    id         INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    api        TEXT    NOT NULL,          -- v1 or v2
    base_url   TEXT    NOT NULL,
    account_id TEXT    NOT NULL,          -- v1: the wid
    created_ms INTEGER NOT NULL
) STRICT;
INSERT INTO "account" VALUES(1,'v1','in-process sandbox','sandbox',1795375763080);
CREATE TABLE attempt (
    event       INTEGER NOT NULL REFERENCES event (id),
    number      INTEGER NOT NULL,         -- from 1, over all runs
    run         INTEGER NOT NULL REFERENCES run (id),
    intended_ms INTEGER NOT NULL,
    answered_ms INTEGER,
    answer      TEXT,                     -- what the answer was taken for
    effect      TEXT CHECK (effect IN ('recorded', 'none', 'unknown')),
    http_status INTEGER,
    message     TEXT,
    PRIMARY KEY (event, number),
    CHECK ((answer IS NULL) = (effect IS NULL)),
    CHECK ((answer IS NULL) = (answered_ms IS NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO "attempt" VALUES(1,1,1,1795375763093,1795375763096,'recorded','recorded',200,NULL);
INSERT INTO "attempt" VALUES(2,1,1,1795375763097,1795375763098,'recorded','recorded',200,NULL);
INSERT INTO "attempt" VALUES(3,1,1,1795375763093,1795375763096,'recorded','recorded',200,NULL);
INSERT INTO "attempt" VALUES(4,1,1,1795375763099,1795375763101,'recorded','recorded',200,NULL);
INSERT INTO "attempt" VALUES(5,1,1,1795375763097,1795375763099,'recorded','recorded',200,NULL);
INSERT INTO "attempt" VALUES(6,1,2,1795375795340,1795375795346,'recorded','recorded',200,NULL);
INSERT INTO "attempt" VALUES(7,1,2,1795375795346,1795375795353,'recorded','recorded',200,NULL);
INSERT INTO "attempt" VALUES(8,1,2,1795375795353,1795375795357,'recorded','recorded',200,NULL);
CREATE TABLE event (
    id                 INTEGER NOT NULL PRIMARY KEY,
    key                BLOB    NOT NULL CHECK (length(key) = 16),
    seal               INTEGER NOT NULL,  -- checksum of `id`, `key` and the columns down to `note`
    kind               TEXT    NOT NULL CHECK (kind IN ('sale', 'refund', 'cancellation', 'signup')),
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
    outcome            TEXT CHECK (outcome IN
        ('tracked', 'already_tracked', 'non_referral', 'failed', 'unconfirmed')),
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
INSERT INTO "event" VALUES(1,X'628B49D96DCDE97A430DD4F597705899',6878008760950573328,'sale','t1',NULL,NULL,'a-1',1000,'USD',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1769889600000,'','tracked',0,200,NULL,1795375763096,'33000001','nora@example.com','nora',200,-3031292531751686404);
INSERT INTO "event" VALUES(2,X'37834F2F25762F23E1F74A531CBE445D',-2556695946773734602,'sale','102',NULL,NULL,'a-1',1000,'USD',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1769889600000,'','tracked',0,200,NULL,1795375763098,'33000003','nora@example.com','nora',200,7614958853836737513);
INSERT INTO "event" VALUES(3,X'CECE8A9CECFB6C7E7EE4F3346D5E2544',110016786343323096,'sale','t3',NULL,NULL,'a-2',800,'USD',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1769889600000,'','tracked',0,200,NULL,1795375763096,'33000002','yuki@example.com','yuki',160,348879491277363869);
INSERT INTO "event" VALUES(4,X'A2F1A68A3CF7BAB14245BA34E6A348B6',7666737463809041676,'refund','t4','t1',NULL,'a-1',500,'USD',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1769976000000,'linked to a sale of these exports by its id','tracked',0,200,NULL,1795375763101,'33000005','nora@example.com','nora',-100,290534567920643469);
INSERT INTO "event" VALUES(5,X'F413E43D74F8178745C1ACB48B274143',7742062224412851278,'refund','t5','t3',NULL,'a-2',300,'USD',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1769976000000,'linked to a sale of these exports by its id','tracked',0,200,NULL,1795375763099,'33000004','yuki@example.com','yuki',-60,-6570598075512558415);
INSERT INTO "event" VALUES(6,X'931A4DDCBB47A6B7F558CD19C1405582',-3556649048949152963,'sale','7001',NULL,'ana@example.com','c1',1000,'EUR',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1769853600000,'','tracked',0,200,NULL,1795375795346,'33000001','tomas@example.com','tomas',200,-1953843472931617975);
INSERT INTO "event" VALUES(7,X'2378926A9BCC79F385034655E9F4E102',156121378469946892,'sale','7002',NULL,'ana@example.com','c1',1000,'EUR',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1769853600000,'','tracked',0,200,NULL,1795375795353,'33000002','tomas@example.com','tomas',200,187373374351837782);
INSERT INTO "event" VALUES(8,X'84A779728789AB3CAB8E748C7CA01DF2',-1978827081533359607,'refund','7001_refund_1000','7001','ana@example.com','c1',1000,'EUR',1000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1769853600000,'the export has no date for the refund: dated as its sale; linked to the sale of its row','tracked',0,200,NULL,1795375795357,'33000003','tomas@example.com','tomas',-200,-5382306268487931199);
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
INSERT INTO "input" VALUES(1,1,0,'a.csv','858ec6f4b5515f965339aa6276afa18db89fc21cd29eb64f645c59d4d7d5798f','recurly-transactions','["account_code","transaction_id","type","amount","tax_amount","currency","date","status","test","original_transaction_id","invoice_id","subscription_id"]',5,5,0,0);
INSERT INTO "input" VALUES(2,2,0,'b.csv','aa6e8afeca7b14877243062d206e2c87c9cf58ab3858d788708e59cb6a582f1d','bee','["Customer Id","Invoice Number","Invoice Date","Amount","Status","Refunded Amount","Customer Email","Tax Total"]',2,2,0,0);
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
INSERT INTO "run" VALUES(1,'2026-11-22T19-29-23Z-1','run',1795375763090,1795375763103,'done',0,5,9,'reports/2026-11-22T19-29-23Z-1');
INSERT INTO "run" VALUES(2,'2026-11-22T19-29-55Z-2','run',1795375795332,1795375795360,'done',0,3,20,'reports/2026-11-22T19-29-55Z-2');
CREATE TABLE run_event (
    run   INTEGER NOT NULL REFERENCES run (id),
    event INTEGER NOT NULL REFERENCES event (id),
    input INTEGER REFERENCES input (id),  -- a retry has its events' latest place
    line  INTEGER,                        -- the header is line 1
    PRIMARY KEY (run, event)
) STRICT, WITHOUT ROWID;
INSERT INTO "run_event" VALUES(1,1,1,2);
INSERT INTO "run_event" VALUES(1,2,1,3);
INSERT INTO "run_event" VALUES(1,3,1,4);
INSERT INTO "run_event" VALUES(1,4,1,5);
INSERT INTO "run_event" VALUES(1,5,1,6);
INSERT INTO "run_event" VALUES(2,6,2,2);
INSERT INTO "run_event" VALUES(2,7,2,3);
INSERT INTO "run_event" VALUES(2,8,2,2);
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
INSERT INTO "run_total" VALUES(1,'to_send','refund','USD',2,800);
INSERT INTO "run_total" VALUES(1,'to_send','sale','USD',3,2800);
INSERT INTO "run_total" VALUES(2,'to_send','refund','EUR',1,1000);
INSERT INTO "run_total" VALUES(2,'to_send','sale','EUR',2,2000);
CREATE TABLE source_row (
    id          INTEGER NOT NULL PRIMARY KEY,
    run         INTEGER NOT NULL REFERENCES run (id),
    input       INTEGER NOT NULL REFERENCES input (id),
    line        INTEGER NOT NULL,
    disposition TEXT    NOT NULL CHECK (disposition IN ('ignored', 'rejected')),
    reason      TEXT    NOT NULL,
    fields      TEXT    NOT NULL          -- JSON array of the cells
) STRICT;
CREATE INDEX held_by_run ON held (run);
CREATE INDEX source_row_by_run ON source_row (run, disposition);
CREATE INDEX problem_by_run ON problem (run);
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
COMMIT;

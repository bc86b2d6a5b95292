-- From version 6: events that are dated outside of the range of a run are counted by a state of their own, and the
-- subscriptions of sales without a plan are kept.

CREATE TABLE run_total_7 (
    run          INTEGER NOT NULL REFERENCES run (id),
    plan_state   TEXT    NOT NULL CHECK (plan_state IN
        ('to_send', 'settled', 'duplicate', 'conflict', 'unlinked', 'out_of_range')),
    kind         TEXT    NOT NULL CHECK (kind IN ('sale', 'refund', 'cancellation', 'signup')),
    currency     TEXT    NOT NULL,        -- '' for events without an amount
    count        INTEGER NOT NULL,
    amount_cents INTEGER NOT NULL,
    PRIMARY KEY (run, plan_state, kind, currency)
) STRICT, WITHOUT ROWID;
INSERT INTO run_total_7 SELECT run, plan_state, kind, currency, count, amount_cents FROM run_total;
DROP TABLE run_total;
ALTER TABLE run_total_7 RENAME TO run_total;

-- Sales that were recorded without a plan, with their subscription: its plan may be learned later.
CREATE TABLE sale_without_plan (
    key          BLOB    NOT NULL PRIMARY KEY CHECK (length(key) = 16), -- as in `event`
    subscription TEXT    NOT NULL,
    seal         INTEGER NOT NULL          -- checksum of the columns before
) STRICT, WITHOUT ROWID;

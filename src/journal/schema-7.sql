-- From version 6: events that are dated outside of the range of a run are counted by a state of their own.

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

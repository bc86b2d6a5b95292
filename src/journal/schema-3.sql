-- What amounts of `event` were before they were converted into the account's currency: one row for
-- each that was. The refunds' ids and `refund_total_cents` are in this currency, too.
CREATE TABLE conversion (
    event        INTEGER NOT NULL PRIMARY KEY REFERENCES event (id),
    amount_cents INTEGER NOT NULL,        -- as the export has it
    currency     TEXT    NOT NULL,
    rate         TEXT    NOT NULL,        -- in decimals; a refund has its sale's
    rate_date    TEXT    NOT NULL,        -- the day for which the rates file has it
    seal         INTEGER NOT NULL         -- checksum of the columns before
) STRICT;

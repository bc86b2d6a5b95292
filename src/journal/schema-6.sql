-- From version 5: the events of rows that were corrected.

-- Rows that were rejected and handed back in a corrected form, each with every event that it gave then: the
-- row counts as corrected only while these events need no attention.
CREATE TABLE corrected_row (
    item      BLOB    NOT NULL CHECK (length(item) = 16),      -- the row, as in `accepted`
    event_key BLOB    NOT NULL CHECK (length(event_key) = 16), -- as `key` in `event`
    seal      INTEGER NOT NULL,                                -- checksum of the columns before
    PRIMARY KEY (item, event_key)
) STRICT, WITHOUT ROWID;

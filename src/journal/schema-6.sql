-- From version 5: the events of rows that were corrected, and which exports were read.

-- Rows that were rejected and handed back in a corrected form, each with every event that it gave then: the
-- row counts as corrected only while these events need no attention.
CREATE TABLE corrected_row (
    item      BLOB    NOT NULL CHECK (length(item) = 16),      -- the row, as in `accepted`
    event_key BLOB    NOT NULL CHECK (length(event_key) = 16), -- as `key` in `event`
    seal      INTEGER NOT NULL,                                -- checksum of the columns before
    PRIMARY KEY (item, event_key)
) STRICT, WITHOUT ROWID;

-- Exports that were read whole, with nothing in them that needed attention: what has the same bytes in a
-- folder is not read again by the same rules. An export whose last reading left something is not here.
CREATE TABLE read_export (
    sha256  TEXT    NOT NULL PRIMARY KEY,
    rules   BLOB    NOT NULL CHECK (length(rules) = 16), -- hash of profiles, settings and version
    profile TEXT    NOT NULL,
    run     TEXT    NOT NULL,              -- the name of the run that read it
    events  BLOB    NOT NULL,              -- the first four bytes of the key of each of its events, in order
    seal    INTEGER NOT NULL               -- checksum of the columns before
) STRICT, WITHOUT ROWID;

-- The exports in a folder that a run did not read, since an earlier run had read the same bytes.
CREATE TABLE skipped_export (
    run     INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,              -- from 0
    path    TEXT    NOT NULL,
    sha256  TEXT    NOT NULL,
    profile TEXT    NOT NULL,
    read_by TEXT    NOT NULL,              -- the name of the run that read it
    PRIMARY KEY (run, ordinal)
) STRICT, WITHOUT ROWID;

-- From version 5: the events of rows that were corrected, which exports were read, and uids in doubt.

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

-- The runs whose details were removed since they are settled and old (`journal prune`): their rows without events,
-- the attempts of their events, what they held, their figures and problems.
CREATE TABLE pruned_run (
    run       INTEGER NOT NULL PRIMARY KEY REFERENCES run (id),
    pruned_ms INTEGER NOT NULL,
    pruned_by TEXT    NOT NULL,            -- user and host
    seal      INTEGER NOT NULL             -- checksum of the columns before
) STRICT;

-- The options with which a run was started, as a JSON object: commands that are printed later have them again.
CREATE TABLE run_options (
    run     INTEGER NOT NULL PRIMARY KEY REFERENCES run (id),
    options TEXT    NOT NULL
) STRICT;

-- The ignored rows of a run that an earlier run has kept with the same cells: they are counted, and not kept again.
CREATE TABLE repeated_rows (
    run    INTEGER NOT NULL REFERENCES run (id),
    input  INTEGER NOT NULL REFERENCES input (id),
    reason TEXT    NOT NULL,
    rows   INTEGER NOT NULL,
    PRIMARY KEY (run, input, reason)
) STRICT, WITHOUT ROWID;

-- Uids of which nothing says whether they are the id of one customer: events with one of them are held until
-- the configuration says it. Version 5 took those for shared that come with three emails or more.
CREATE TABLE unclear_uid (
    uid  TEXT    NOT NULL PRIMARY KEY,
    seal INTEGER NOT NULL                  -- checksum of the column before
) STRICT, WITHOUT ROWID;
INSERT INTO unclear_uid (uid, seal) SELECT uid, seal FROM shared_uid;
DELETE FROM shared_uid;

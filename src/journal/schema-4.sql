-- From version 3: the key of redacted reports, and events that were mended.

-- What emails and names are hashed with in reports that are shared. Whoever has it can find out whose
-- word is whose by trying.
CREATE TABLE redaction (
    id  INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    key BLOB    NOT NULL CHECK (length(key) = 32)
) STRICT;
INSERT INTO redaction (id, key) VALUES (1, randomblob(32));

-- Events that the API refused for good and that stand here again under the same `event_id`, with
-- another content. The refused one stays as it was, for the report of its run; nothing is compared
-- with it, and it is not tried again.
CREATE TABLE mended (
    event    INTEGER NOT NULL PRIMARY KEY REFERENCES event (id),
    by_event INTEGER NOT NULL REFERENCES event (id),
    seal     INTEGER NOT NULL              -- checksum of the columns before
) STRICT;

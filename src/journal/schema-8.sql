-- From version 7: runs that undo another one.

-- The runs that were started to undo another one, and that one. Their `command` is `run` in the table `run`,
-- which is older.
CREATE TABLE undo (
    run    INTEGER NOT NULL PRIMARY KEY REFERENCES run (id),
    of_run INTEGER NOT NULL REFERENCES run (id),
    seal   INTEGER NOT NULL               -- checksum of the columns before
) STRICT;

DROP VIEW IF EXISTS runs_readable;
CREATE VIEW runs_readable AS
SELECT id, name, CASE WHEN id IN (SELECT run FROM undo) THEN 'undo' ELSE command END AS command,
       strftime('%Y-%m-%dT%H:%M:%SZ', started_ms / 1000, 'unixepoch') AS started_at,
       strftime('%Y-%m-%dT%H:%M:%SZ', ended_ms / 1000, 'unixepoch') AS ended_at,
       end_reason, exit_code, requests, elapsed_ms / 1000 AS elapsed_seconds, report_dir
FROM run;

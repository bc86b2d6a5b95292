-- Lets a journal of version 5 or earlier that is only read have the tables of version 6 that its check reads, empty.
CREATE TEMP VIEW pruned_run AS
SELECT 0 AS run, 0 AS pruned_ms, '' AS pruned_by, 0 AS seal WHERE false;
CREATE TEMP VIEW repeated_rows AS
SELECT 0 AS run, 0 AS input, '' AS reason, 0 AS rows WHERE false;

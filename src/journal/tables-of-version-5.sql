-- Lets a journal of version 4 or earlier that is only read have the tables of version 5, empty.
CREATE TEMP VIEW flag AS SELECT 0 AS event, '' AS code, 0 AS seal WHERE false;
CREATE TEMP VIEW met_event AS SELECT 0 AS run, 0 AS event, NULL AS input, NULL AS line WHERE false;
CREATE TEMP VIEW accepted AS
SELECT 0 AS id, x'' AS item, '' AS code, NULL AS kind, NULL AS event_id, NULL AS amount_cents,
       NULL AS currency, NULL AS file, NULL AS line, '' AS message, '' AS reason, '' AS accepted_by,
       0 AS accepted_ms, NULL AS undone_by, NULL AS undone_ms, 0 AS seal WHERE false;
CREATE TEMP VIEW accepted_difference AS
SELECT 0 AS id, x'' AS seen, '' AS difference, '' AS kind, 0 AS difference_cents, 0 AS concerned_cents,
       '' AS unit, '' AS message, '' AS reason, '' AS accepted_by, 0 AS accepted_ms, NULL AS undone_by,
       NULL AS undone_ms, 0 AS seal WHERE false;
CREATE TEMP VIEW in_doubt AS SELECT 0 AS event, 0 AS seal WHERE false;

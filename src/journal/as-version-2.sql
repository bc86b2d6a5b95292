-- Lets a journal of version 1 that is only read look like one of version 8.
CREATE TEMP VIEW account AS
SELECT *, 1 + (SELECT coalesce(max(id), 0) FROM main.event) AS gross_kept_from, NULL AS seal FROM main.account;
CREATE TEMP VIEW event AS SELECT *, NULL AS gross_cents, NULL AS reference, NULL AS shared_id FROM main.event;
CREATE TEMP VIEW held AS
SELECT *, NULL AS gross_cents, NULL AS reference, NULL AS candidates, NULL AS shared_id, NULL AS seal
FROM main.held;
CREATE TEMP VIEW source_row AS SELECT *, NULL AS seal FROM main.source_row;
CREATE TEMP VIEW run AS SELECT *, NULL AS learned_per_minute FROM main.run;
CREATE TEMP VIEW attempt AS
SELECT *, NULL AS sent_event_id, NULL AS sent_currency, NULL AS sent_digest, NULL AS seal,
    NULL AS answer_seal FROM main.attempt;

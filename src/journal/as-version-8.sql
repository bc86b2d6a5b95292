-- Lets a journal of versions 5 to 7 that is only read look like one of version 8.
CREATE TEMP VIEW account AS SELECT *, NULL AS seal FROM main.account;
CREATE TEMP VIEW held AS SELECT *, NULL AS seal FROM main.held;
CREATE TEMP VIEW source_row AS SELECT *, NULL AS seal FROM main.source_row;

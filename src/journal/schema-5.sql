-- From version 4: payments that share an id.

-- Further payments of one invoice (or of another id that several payments share) go by ids of their
-- own; the first goes by the shared one, which stands here for the others. Sealed where it is set.
ALTER TABLE event ADD COLUMN shared_id TEXT;
ALTER TABLE held ADD COLUMN shared_id TEXT;

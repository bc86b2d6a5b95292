-- From version 1: what was paid beside what counts, by which other id a refund may name its sale, and
-- which sales a refund that is held may belong to.

-- Events below this number were recorded before `gross_cents` was: their amounts may be with or
-- without tax, and nothing says which.
ALTER TABLE account ADD COLUMN gross_kept_from INTEGER NOT NULL DEFAULT 1;
UPDATE account SET gross_kept_from = 1 + (SELECT coalesce(max(id), 0) FROM event);

-- What was paid or paid back in all, tax and shipping with it, where `amount_cents` is without. Sealed
-- where it is set.
ALTER TABLE event ADD COLUMN gross_cents INTEGER;
-- Sales: another id by which refunds name it, such as that of the charge. Sealed where it is set.
ALTER TABLE event ADD COLUMN reference TEXT;

ALTER TABLE held ADD COLUMN gross_cents INTEGER;
ALTER TABLE held ADD COLUMN reference TEXT;
-- Refunds: the ids of the sales that they may undo, with spaces between them.
ALTER TABLE held ADD COLUMN candidates TEXT;

DROP VIEW events_readable;
CREATE VIEW events_readable AS
SELECT id, kind, event_id, sale_event_id, reference, email, uid, amount_cents, gross_cents, currency,
       plan, mrr_cents, promo_code, quantity,
       strftime('%Y-%m-%dT%H:%M:%SZ', created_at_ms / 1000, 'unixepoch') AS created_at,
       coalesce(outcome, 'not_sent') AS outcome, inferred, http_status, message,
       strftime('%Y-%m-%dT%H:%M:%SZ', settled_ms / 1000, 'unixepoch') AS settled_at,
       api_event_id, promoter_email, promoter_ref_id, commission_cents, note
FROM event;

# What benches/audit.rs does, in SQL: python3 -c "$(cat audit_duckdb.py)" FOLDER ROUNDS
import sys, time, statistics
import duckdb

folder, rounds = sys.argv[1], int(sys.argv[2])
TYPES = {
    "billed": {"line": "bigint", "amount_cents": "bigint", "account_amount_cents": "bigint",
        "created_at_ms": "bigint"},
    "commissions": {"line": "bigint", "amount_cents": "bigint", "sale_amount_cents": "bigint",
        "tier": "bigint", "created_at_ms": "bigint", "is_paid": "boolean"},
    "leads": {"created_at_ms": "bigint"},
}
def table(side):
    casts = ", ".join(f"cast({name} as {type}) as {name}" for name, type in TYPES[side].items())
    source = f"read_csv('{folder}/{side}.csv', all_varchar = true)"
    return f"create temp table {side} as select * replace ({casts}) from {source}"
MATCHED = """
create or replace temp table matched as
select c.id, c.event_id, c.file, c.line, c.amount_cents, c.sale_amount_cents, c.status, c.currency,
    c.is_paid, c.tier, c.created_at_ms, c.promoter_id, c.promoter_email, c.campaign, c.plan,
    b.event_id as billed_id, b.kind, b.file as billed_file, b.line as billed_line,
    b.amount_cents as billed_cents, b.created_at_ms as billed_ms, s.event_id as sale_id,
    l.promoter_id as lead_promoter,
    case when b.event_id is null then 0
         when b.kind = 'refund' then -((b.account_amount_cents * 20 + 50) // 100)
         else (b.account_amount_cents * 20 + 50) // 100 end as expected_cents
from commissions c
left join billed b on c.event_id = b.event_id
left join billed s on b.sale_event_id = s.event_id
left join leads l on b.uid = l.uid
"""
FINDINGS = """
create or replace temp table findings as
select id, event_id, file, line, billed_file, billed_line, amount_cents - expected_cents as cents
from matched
where amount_cents <> expected_cents
   or abs(sale_amount_cents) <> billed_cents
   or status <> 'approved'
   or promoter_id <> lead_promoter
   or date_trunc('month', make_timestamp(created_at_ms * 1000))
      <> date_trunc('month', make_timestamp(billed_ms * 1000))
union all
select id, event_id, file, line, null, null, amount_cents from (
    select *, row_number() over (partition by event_id, tier order by created_at_ms) as place
    from matched where event_id in
        (select event_id from matched group by event_id, tier having count(*) > 1))
where place > 1
union all
select null, b.event_id, null, null, b.file, b.line,
    case when b.kind = 'refund' then 1 else -1 end * ((b.account_amount_cents * 20 + 50) // 100)
from billed b anti join commissions c on b.event_id = c.event_id
"""
TOTALS = """
create or replace temp table totals as
with lines as (
    select c.promoter_email as promoter, c.campaign, b.plan,
        strftime(make_timestamp(b.created_at_ms * 1000), '%Y-%m') as month, b.currency, c.status,
        case when b.kind = 'sale' then b.amount_cents else 0 end as sales,
        case when b.kind = 'refund' then b.amount_cents else 0 end as refunds,
        coalesce(c.expected_cents, 0) as expected, 0 as actual, 0 as paid, 0 as unpaid
    from billed b left join matched c on b.event_id = c.billed_id
    union all
    select promoter_email, campaign, plan,
        strftime(make_timestamp(created_at_ms * 1000), '%Y-%m'), currency, status,
        0, 0, 0, amount_cents,
        case when is_paid then amount_cents else 0 end,
        case when is_paid then 0 else amount_cents end
    from matched)
select promoter, campaign, plan, month, currency, status, sum(sales), sum(refunds), sum(expected),
    sum(actual), sum(paid), sum(unpaid), count(*)
from lines
group by grouping sets ((promoter), (campaign), (plan), (month), (currency), (status))
"""
times = []
for _ in range(rounds):
    connection = duckdb.connect()
    # The bar of slow queries would be written between the results.
    connection.execute("set enable_progress_bar = false")
    for side in TYPES:
        connection.execute(table(side))
    started = time.perf_counter()
    for statement in (MATCHED, FINDINGS, TOTALS):
        connection.execute(statement)
    found, cents = connection.execute("select count(*), sum(cents) from findings").fetchone()
    connection.execute("from totals").fetchall()
    times.append(time.perf_counter() - started)
print(f"{statistics.median(times)} {found} findings, {cents} cents")

//! The tables of an audit, for every format: `differences` and `totals`.

use jiff::Timestamp;

use crate::audit::statement::Statement;
use crate::audit::{AuditTotals, Billed, Commission, CommissionTotals, Cut, Finding, Match, Unit};
use crate::event::{Currency, Money};
use crate::report::{Cell, ColumnType, ReportColumn};

const fn text(name: &'static str) -> ReportColumn {
    column(name, ColumnType::Text)
}

const fn column(name: &'static str, holds: ColumnType) -> ReportColumn {
    ReportColumn { name, holds }
}

/// A line for each finding, with both sides.
pub(super) const DIFFERENCES: [ReportColumn; 42] = [
    text("id"),
    text("since_last"),
    text("kind"),
    column("difference_cents", ColumnType::Amount),
    column("concerned_cents", ColumnType::Amount),
    column("expected_cents", ColumnType::Amount),
    text("currency"),
    text("message"),
    text("action"),
    text("accepted"),
    text("matched_by"),
    text("our_kind"),
    text("our_event_id"),
    text("our_sale_event_id"),
    text("our_email"),
    text("our_uid"),
    column("our_amount_cents", ColumnType::Amount),
    text("our_currency"),
    text("our_plan"),
    column("our_created_at", ColumnType::Time),
    text("our_outcome"),
    text("our_file"),
    column("our_line", ColumnType::Integer),
    text("commission_id"),
    text("their_event_id"),
    text("their_email"),
    text("their_uid"),
    column("their_sale_amount_cents", ColumnType::Amount),
    column("commission_cents", ColumnType::Amount),
    text("commission_currency"),
    text("status"),
    text("is_paid"),
    column("tier", ColumnType::Integer),
    text("is_split"),
    text("promoter_id"),
    text("promoter_email"),
    text("promoter_ref_id"),
    text("campaign"),
    text("their_plan"),
    column("their_created_at", ColumnType::Time),
    text("their_file"),
    column("their_line", ColumnType::Integer),
];

/// A line for each commission, with what it was made for: the last columns of [`DIFFERENCES`].
pub(super) static MATCHES: &[ReportColumn] = DIFFERENCES.split_at(10).1;

/// The columns of both sides added up: a line for each value of each breakdown.
pub(super) const TOTALS: [ReportColumn; 16] = [
    text("by"),
    text("value"),
    text("currency"),
    column("sales", ColumnType::Integer),
    column("sales_cents", ColumnType::Amount),
    column("refunds", ColumnType::Integer),
    column("refunds_cents", ColumnType::Amount),
    column("net_cents", ColumnType::Amount),
    column("expected_cents", ColumnType::Amount),
    column("commissions", ColumnType::Integer),
    column("actual_cents", ColumnType::Amount),
    column("difference_cents", ColumnType::Amount),
    column("paid_cents", ColumnType::Amount),
    column("unpaid_cents", ColumnType::Amount),
    column("paid_unknown_cents", ColumnType::Amount),
    column("denied_cents", ColumnType::Amount),
];

/// The columns of the sheet to sign: a line for each fact.
pub(super) const VERDICT: [ReportColumn; 2] = [text("what"), text("is")];

/// The accounts of promoters.
pub(super) const STATEMENTS: [ReportColumn; 9] = [
    text("promoter"),
    text("currency"),
    column("opening_cents", ColumnType::Amount),
    column("earned_cents", ColumnType::Amount),
    column("reversed_cents", ColumnType::Amount),
    column("paid_cents", ColumnType::Amount),
    column("closing_cents", ColumnType::Amount),
    column("balance_now_cents", ColumnType::Amount),
    text("ties"),
];

/// Returns the cells of an account.
pub(super) fn statement(own: &Statement) -> Vec<Cell<'_>> {
    let sum = |cents: i128| sum_of(cents, &own.currency);
    vec![
        Cell::text(&own.promoter),
        Cell::text(&own.currency),
        sum(own.opening_cents),
        sum(own.earned_cents),
        sum(own.reversed_cents),
        sum(own.paid_cents),
        sum(own.closing_cents),
        own.balance_cents.map_or(Cell::Empty, sum),
        word(own.ties.map(|ties| if ties { "yes" } else { "no" })),
    ]
}

/// Returns the cells of a finding; `since` is `new`, `remaining`, or empty where there is no audit before; `accepted`
/// is the reason for which somebody accepted it.
pub(super) fn difference<'f>(
    finding: &'f Finding,
    since: &'static str,
    accepted: Option<&'f str>,
) -> Vec<Cell<'f>> {
    let mut cells = Vec::with_capacity(DIFFERENCES.len());
    cells.push(Cell::text(&finding.id));
    cells.push(match since {
        "" => Cell::Empty,
        word => Cell::Word(word),
    });
    cells.push(Cell::Word(finding.kind.as_str()));
    cells.push(amount(Some(finding.difference_cents), &finding.unit));
    cells.push(amount(Some(finding.concerned_cents), &finding.unit));
    cells.push(amount(finding.expected_cents, &finding.unit));
    cells.push(unit(&finding.unit));
    cells.push(Cell::escaped(&finding.message));
    cells.push(Cell::escaped(&finding.action));
    cells.push(accepted.map_or(Cell::Empty, Cell::escaped));
    cells.push(word(finding.matched_by.map(|reason| reason.as_str())));
    ours(&mut cells, finding.ours.as_ref());
    theirs(&mut cells, finding.theirs.as_ref());
    cells
}

/// Returns the cells of a commission and what it was made for.
pub(super) fn matched(own: &Match) -> Vec<Cell<'_>> {
    let mut cells = Vec::with_capacity(MATCHES.len());
    cells.push(word(own.reason.map(|reason| reason.as_str())));
    ours(&mut cells, own.ours.as_ref());
    theirs(&mut cells, Some(&own.theirs));
    cells
}

/// Adds the cells from `our_kind` to `our_line`.
fn ours<'f>(cells: &mut Vec<Cell<'f>>, billed: Option<&'f Billed>) {
    let Some(billed) = billed else {
        cells.extend(std::iter::repeat_n(Cell::Empty, 12));
        return;
    };
    cells.push(Cell::Word(billed.kind.as_str()));
    cells.push(Cell::text(&billed.event_id));
    cells.push(Cell::optional_text(billed.sale_event_id.as_deref()));
    cells.push(Cell::optional_text(billed.customer.email.as_deref()));
    cells.push(Cell::optional_text(billed.customer.uid.as_deref()));
    cells.push(Cell::Amount(billed.money));
    cells.push(Cell::Word(billed.money.currency.code()));
    cells.push(Cell::optional_text(billed.plan.as_deref()));
    cells.push(time(billed.created_at));
    cells.push(word(billed.outcome.map(|outcome| outcome.as_str())));
    cells.push(Cell::escaped(&billed.place.file));
    cells.push(Cell::optional_line(billed.place.line));
}

/// Adds the cells from `commission_id` to `their_line`.
fn theirs<'f>(cells: &mut Vec<Cell<'f>>, commission: Option<&'f Commission>) {
    let Some(own) = commission else {
        cells.extend(std::iter::repeat_n(Cell::Empty, 19));
        return;
    };
    let yes = |is: Option<bool>| word(is.map(|is| if is { "yes" } else { "no" }));
    cells.push(Cell::optional_text(own.id.as_deref()));
    cells.push(Cell::optional_text(own.event_id.as_deref()));
    cells.push(Cell::optional_text(own.customer.email.as_deref()));
    cells.push(Cell::optional_text(own.customer.uid.as_deref()));
    cells.push(amount(own.sale_amount_cents, &own.unit));
    cells.push(amount(Some(own.amount_cents), &own.unit));
    cells.push(unit(&own.unit));
    cells.push(Cell::Word(own.status.as_str()));
    cells.push(yes(own.is_paid));
    cells.push(Cell::Integer(own.tier.into()));
    cells.push(yes(own.is_split));
    cells.push(Cell::optional_text(own.promoter.id.as_deref()));
    cells.push(Cell::optional_text(own.promoter.email.as_deref()));
    cells.push(Cell::optional_text(own.promoter.ref_id.as_deref()));
    cells.push(Cell::optional_text(own.campaign.as_deref()));
    cells.push(Cell::optional_text(own.plan.as_deref()));
    cells.push(time(own.created_at));
    cells.push(Cell::escaped(&own.place.file));
    cells.push(Cell::optional_line(own.place.line));
}

/// Returns the cells of all totals: everything first, then cut by cut.
pub(super) fn totals(totals: &AuditTotals) -> impl Iterator<Item = Vec<Cell<'_>>> {
    let in_all = totals
        .in_all
        .iter()
        .map(|(currency, figures)| total("all", None, currency, figures));
    let cuts = Cut::ALL.into_iter().flat_map(|cut| {
        let lines = totals.by.get(&cut).into_iter().flatten();
        lines.map(move |line| {
            let value = line.value.as_deref();
            total(cut.as_str(), value, &line.currency, &line.figures)
        })
    });
    in_all.chain(cuts)
}

fn total<'t>(
    by: &'static str,
    value: Option<&'t str>,
    currency: &'t str,
    figures: &CommissionTotals,
) -> Vec<Cell<'t>> {
    let count = |number: u64| Cell::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    let sum = |cents: i128| sum_of(cents, currency);
    vec![
        Cell::Word(by),
        Cell::optional_text(value),
        Cell::text(currency),
        count(figures.sales),
        sum(figures.sales_cents),
        count(figures.refunds),
        sum(figures.refunds_cents),
        sum(figures.net_cents),
        sum(figures.expected_cents),
        count(figures.commissions),
        sum(figures.actual_cents),
        sum(figures.difference_cents),
        sum(figures.paid_cents),
        sum(figures.unpaid_cents),
        sum(figures.paid_unknown_cents),
        sum(figures.denied_cents),
    ]
}

fn sum_of(cents: i128, currency: &str) -> Cell<'static> {
    match (i64::try_from(cents), Currency::from_code(currency)) {
        (Ok(amount_cents), Some(currency)) => Cell::Amount(Money {
            amount_cents,
            currency,
        }),
        (Ok(number), None) => Cell::Integer(number),
        // No column holds it; `summary.json` does.
        (Err(_), _) => Cell::Empty,
    }
}

fn amount(cents: Option<i64>, unit: &Unit) -> Cell<'static> {
    match (cents, unit) {
        (None, _) => Cell::Empty,
        (Some(amount_cents), Unit::Cash(currency)) => Cell::Amount(Money {
            amount_cents,
            currency: *currency,
        }),
        (Some(number), Unit::Other(_)) => Cell::Integer(number),
    }
}

fn unit(unit: &Unit) -> Cell<'_> {
    match unit {
        Unit::Cash(currency) => Cell::Word(currency.code()),
        Unit::Other(word) => Cell::text(word),
    }
}

fn word(word: Option<&'static str>) -> Cell<'static> {
    word.map_or(Cell::Empty, Cell::Word)
}

fn time(moment: Option<Timestamp>) -> Cell<'static> {
    moment.map_or(Cell::Empty, Cell::Time)
}

//! `totals.csv`: both sides added up, a line for each value of each cut.

use std::path::PathBuf;

use super::Table;
use crate::audit::{Cut, Figures, Totals};
use crate::report::atomic::{Failure, Whole};

const COLUMNS: [&str; 16] = [
    "by",
    "value",
    "currency",
    "sales",
    "sales_cents",
    "refunds",
    "refunds_cents",
    "net_cents",
    "expected_cents",
    "commissions",
    "actual_cents",
    "difference_cents",
    "paid_cents",
    "unpaid_cents",
    "paid_unknown_cents",
    "denied_cents",
];

pub(super) fn write(totals: &Totals, path: PathBuf) -> Result<Whole, Failure> {
    let mut table = Table::create(path, &COLUMNS)?;
    for (currency, figures) in &totals.in_all {
        line(&mut table, "all", None, currency, figures)?;
    }
    for cut in Cut::ALL {
        for total in totals.by.get(&cut).into_iter().flatten() {
            let value = total.value.as_deref();
            line(
                &mut table,
                cut.as_str(),
                value,
                &total.currency,
                &total.figures,
            )?;
        }
    }
    table.finish()
}

fn line(
    table: &mut Table,
    by: &str,
    value: Option<&str>,
    currency: &str,
    figures: &Figures,
) -> Result<(), Failure> {
    table.plain(by)?;
    table.optional_text(value)?;
    table.text(currency)?;
    table.optional(Some(figures.sales))?;
    table.optional(Some(figures.sales_cents))?;
    table.optional(Some(figures.refunds))?;
    table.optional(Some(figures.refunds_cents))?;
    table.optional(Some(figures.net_cents))?;
    table.optional(Some(figures.expected_cents))?;
    table.optional(Some(figures.commissions))?;
    for cents in [
        figures.actual_cents,
        figures.difference_cents,
        figures.paid_cents,
        figures.unpaid_cents,
        figures.paid_unknown_cents,
        figures.denied_cents,
    ] {
        table.optional(Some(cents))?;
    }
    table.end_row()
}

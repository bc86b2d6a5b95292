//! Says which commissions are marked as paid whose sales an undo reverses.

use crate::cli::tables::{count, grouped};
use crate::event::Currency;
use crate::invisible::shown;
use crate::problem::{Problem, ProblemCode};
use crate::report::words::amount;
use crate::undo::PaidToPromoter;

/// Says whose commissions are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PaidOf {
    /// Those of the sales that are about to be undone.
    ToUndo,
    /// Those of sales that were undone.
    Undone,
}

impl PaidOf {
    fn words(self) -> &'static str {
        match self {
            PaidOf::ToUndo => "these sales",
            PaidOf::Undone => "undone sales",
        }
    }
}

/// Warns that commissions of the sales are marked as paid.
pub(super) fn paid_problem(
    paid: &[PaidToPromoter],
    of: PaidOf,
    currency: Currency,
) -> Option<Problem> {
    if paid.is_empty() {
        return None;
    }
    let all: u64 = paid.iter().map(|own| own.commissions).sum();
    let cents: i128 = paid
        .iter()
        .map(|own| i128::from(own.commission_cents))
        .sum();
    let message = format!(
        "marked as paid: {} of {}, {} {currency} of {}; they stay paid, and what the refunds reverse of them is taken from the promoters' next payouts",
        count(all, "commission"),
        of.words(),
        amount(cents, currency),
        count(paid.len() as u64, "promoter"),
    );
    Some(Problem::warning(ProblemCode::UndoPaid, message).hint(
        "if the promoters did not get this money, deny the commissions of the refunds (`…_undo`) in FirstPromoter before the next payout",
    ))
}

/// Returns a line for each promoter with commissions that are marked as paid.
pub(super) fn paid_table(paid: &[PaidToPromoter], of: PaidOf, currency: Currency) -> String {
    let name = |own: &PaidToPromoter| {
        let name = own
            .promoter_email
            .as_deref()
            .or(own.promoter_ref_id.as_deref());
        shown(name.unwrap_or("a promoter without a name")).into_owned()
    };
    let mut lines = vec![[
        "promoter".to_owned(),
        "commissions".to_owned(),
        currency.to_string(),
    ]];
    for own in paid {
        lines.push([
            name(own),
            grouped(own.commissions.into()),
            amount(own.commission_cents.into(), currency),
        ]);
    }
    let width = |column: usize| {
        let widths = lines.iter().map(|line| line[column].chars().count());
        widths.max().unwrap_or(0)
    };
    let [first, second, third] = [width(0), width(1), width(2)];
    let mut text = format!("Commissions of {} that are marked as paid:", of.words());
    for [name, number, cents] in &lines {
        text.push_str(&format!(
            "\n  {name:first$}  {number:>second$}  {cents:>third$}"
        ));
    }
    text
}

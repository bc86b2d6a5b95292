//! Describes how to settle a conflict with what an earlier run sent.

use std::borrow::Cow;

use super::History;
use crate::event::{
    Contradiction, Essence, EventKey, EventRef, Kind, Money, correction_id, is_beside_totals,
    share_cents,
};
use crate::journal::Outcome;
use crate::shell_word::shell_word;

/// The header of a CSV that a user writes.
pub(crate) const CSV_HEADER: &str =
    "kind,event_id,sale_event_id,email,uid,amount,currency,created_at";

/// Returns how to accept an event as it is held. A run has to have held it before.
fn accept(event: EventRef<'_>) -> String {
    let id = shell_word(event.event_id());
    format!("accept it after the run: `fprecon accept --event {id} --reason TEXT`")
}

/// Returns how to settle the conflict of an event with what an earlier run recorded under its id.
pub(super) fn hint(
    difference: Contradiction,
    event: EventRef<'_>,
    recorded: &Essence,
    history: &dyn History,
) -> Cow<'static, str> {
    let outcome = history.outcome(event.key());
    match outcome {
        None => "`fprecon resume` sends what was recorded first; then run these exports again".into(),
        Some(Outcome::Failed) if event.is_fixed_after_refusal => {
            "run this file by itself, without the export that has the row as it was".into()
        }
        Some(Outcome::Failed) => format!(
            "FirstPromoter counted nothing of what was sent: {} in failed.csv and run that file by itself",
            correct(difference, event)
        )
        .into(),
        Some(Outcome::NonReferral) => format!(
            "FirstPromoter counted nothing of what was sent; if this row is right, {} in non_referral.csv and run that file; else {}",
            correct(difference, event),
            accept(event)
        )
        .into(),
        Some(Outcome::Tracked | Outcome::AlreadyTracked | Outcome::Unconfirmed) => {
            sent_hint(difference, event, recorded, history).into()
        }
    }
}

/// Returns what to write into the row of a report, so that it says what an event says: the column, where the
/// report may lack it.
fn correct(difference: Contradiction, event: EventRef<'_>) -> String {
    match event.terms().field(difference) {
        Some((column, value)) => {
            format!("set `{column}` to `{value}` (add that column if it is not there)")
        }
        None => "correct it".to_owned(),
    }
}

/// Returns how to settle a conflict in which an earlier run sent an event, and nothing says which of those in
/// the exports it was.
pub(super) fn undecided_hint(event: EventRef<'_>) -> String {
    format!(
        "an earlier run sent one side, and none of these rows is sent; look the payments up in FirstPromoter, then {}",
        accept(event)
    )
}

/// Returns how to settle a conflict of a payment of which its export names the invoice alone.
pub(super) fn unnamed_hint(event: EventRef<'_>, is_recorded: bool) -> String {
    let hint = "add the column with the id of the payment itself, such as `charge_id`, to the report, and run that one: without it, several payments of one invoice can't be told apart";
    if is_recorded {
        format!("{hint}; if what was sent is right, {}", accept(event))
    } else {
        format!("{hint}; none of these rows is sent")
    }
}

/// Returns how to decide whether a uid is the id of one customer.
pub(super) fn unclear_uid_hint(event: EventRef<'_>) -> String {
    let uid = event.customer.uid.unwrap_or_default();
    format!(
        "if `{uid}` is one customer, set `{}` under `[link]` in fprecon.toml; if several customers share it, set `{}` there, so that their emails decide; then run the exports again",
        named_list("customer_uids", uid),
        named_list("shared_uids", uid),
    )
}

/// Returns a list of a configuration with one text.
pub(crate) fn named_list(key: &str, text: &str) -> String {
    format!("{key} = [{}]", toml::Value::String(text.to_owned()))
}

/// Returns how to settle a refund that does not fit its sale, or what was refunded of that before.
pub(super) fn unclear_refund_hint(refund: EventRef<'_>) -> String {
    format!(
        "it is not sent; look up at the provider what is refunded, and correct in FirstPromoter what is not right there, then {}",
        accept(refund)
    )
}

/// Returns how to settle a refund whose sale is in conflict with what an earlier run sent of it.
pub(super) fn refund_of_conflict_hint(refund: EventRef<'_>, history: &dyn History) -> String {
    let settle = "settle its sale first, as the error of the sale says, then run the exports again";
    match own_refund_row(refund, history) {
        Some(row) => format!(
            "{settle}; if that was accepted as it was sent, send this refund with a CSV of your own that has these two lines: `{CSV_HEADER}` and `{row}`"
        ),
        None => format!(
            "{settle}; if that was accepted as it was sent, the refund can only be made in FirstPromoter itself; once it is right there, {}",
            accept(refund)
        ),
    }
}

/// Returns how to settle a sale that was undone and that these exports have otherwise: nothing of it counts.
pub(super) fn undone_hint(sale: EventRef<'_>) -> String {
    format!(
        "`fprecon undo` has refunded the sale, so that nothing of it counts: if that is right, {}; to import it again, send it under another `event_id`, with a CSV of your own",
        accept(sale)
    )
}

/// Returns what a person has to do once the sale of a left-behind refund was corrected.
pub(super) fn left_behind_hint(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        None => "add the exports that have its refunds to the call, and run it again",
        Some(Outcome::Failed) => {
            "add the rows of its refunds in the failed.csv of that run to this file, with the header that both have, and run it again"
        }
        _ => {
            "add the exports that have its refunds to the call, so that they are sent again with it; or correct the row of the sale in the non_referral.csv of its run, and run it together with the rows of its refunds there"
        }
    }
}

/// Returns how to send a sale that was refunded since it was not paid, and was paid after all.
pub(super) fn paid_after_all_hint(sale: EventRef<'_>) -> String {
    let accept = accept(sale);
    match sale.money {
        Some(money) => format!(
            "if it was paid, send it with a CSV of your own that has these two lines: `{CSV_HEADER}` and `{}`; else {accept}",
            own_row(Kind::Sale, sale.event_id(), "", money, sale)
        ),
        None => accept,
    }
}

/// Returns how to settle a sale that one export has as paid and another one as not paid.
pub(super) fn paid_unclear_hint(sale: EventRef<'_>) -> String {
    format!(
        "look up at the provider whether it was paid; if it was, remove the other row from its export and run both again; if it was not, {}",
        accept(sale)
    )
}

/// Returns how to settle a refund that was sent and failed.
pub(super) fn refund_failed_hint(refund: EventRef<'_>) -> String {
    format!(
        "if nothing was refunded, restore the commission in FirstPromoter; once it is right there, {}",
        accept(refund)
    )
}

/// Returns how to reverse a sale that was sent and not paid.
pub(super) fn not_paid_hint(refund: EventRef<'_>, history: &dyn History) -> String {
    match own_refund_row(refund, history) {
        Some(row) => format!(
            "if nothing was paid, send the refund with a CSV of your own that has these two lines: `{CSV_HEADER}` and `{row}`"
        ),
        None => format!(
            "a part of the sale was refunded by a running total, so the rest can only be refunded in FirstPromoter itself; once it is right there, {}",
            accept(refund)
        ),
    }
}

/// Returns how to settle an event that its profile holds for a person to look at.
pub(super) fn looked_at_hint(event: EventRef<'_>, history: &dyn History) -> String {
    let accept = accept(event);
    match own_refund_row(event, history) {
        Some(row) => format!(
            "look it up at the provider; if the amount is right, send it with a CSV of your own that has these two lines: `{CSV_HEADER}` and `{row}`; with another amount, or if nothing is to be sent, {accept}"
        ),
        None => {
            format!(
                "look it up at the provider, and correct in FirstPromoter what is not right there; then {accept}"
            )
        }
    }
}

/// Returns how to say whether a refund that its export does not date is in the range. `history` is there if its sale is
/// sent or known, so that a row of its own finds it.
pub(super) fn undated_refund_hint(refund: EventRef<'_>, history: Option<&dyn History>) -> String {
    let column = "if its export has a column for the date of refunds, write it into the row, and run the file again";
    let accept = accept(refund);
    let row = history.and_then(|history| own_refund_row(refund, history));
    match row.as_deref().and_then(|row| row.rsplit_once(',')) {
        Some((row, _)) => format!(
            "{column}; if it has none, look the day up at the provider, and if that is in the range, send the refund after the run with a CSV of your own that has these two lines, with its day: `{CSV_HEADER}` and `{row},YYYY-MM-DD`; if it does not belong to the range, {accept}"
        ),
        None => format!("{column}; if it does not belong to the range, {accept}"),
    }
}

/// Returns a refund that is held as the row of a CSV that sends it. Beside a recorded running total, such a refund
/// may be a part of that, and would be held.
fn own_refund_row(refund: EventRef<'_>, history: &dyn History) -> Option<String> {
    let sale = EventKey::from_id(refund.sale_event_id?);
    let is_in_total = !is_beside_totals(refund.event_id());
    if is_in_total && history.refunded(sale).largest_total_cents.is_some() {
        return None;
    }
    let read = refund.read_money()?;
    let paid = Money {
        amount_cents: refund.paid_cents()?,
        ..read
    };
    let (id, sale) = (refund.event_id(), refund.sale_event_id?);
    Some(own_row(Kind::Refund, id, sale, paid, refund))
}

/// Returns the day of an event as a CSV has it; empty if it has none.
fn day_of(event: EventRef<'_>) -> String {
    let day = event.created_at.map(|at| at.strftime("%Y-%m-%d"));
    day.map_or(String::new(), |day| day.to_string())
}

fn sent_hint(
    difference: Contradiction,
    event: EventRef<'_>,
    recorded: &Essence,
    history: &dyn History,
) -> String {
    let accept = accept(event);
    let is_right = format!("if what was sent is right, {accept}");
    match difference {
        Contradiction::Amount if is_maybe_a_part(event, recorded) => {
            let is_part = format!(
                "if one of the two is only a part of what the other is for, or what was sent is right, {accept}"
            );
            match correction(event, recorded, history) {
                Some(row) => format!(
                    "{is_part}; if both are all that was paid, and this row is right, send the difference with a CSV of your own that has these two lines: `{CSV_HEADER}` and `{row}`"
                ),
                None => is_part,
            }
        }
        Contradiction::Amount => match correction(event, recorded, history) {
            Some(row) => format!(
                "{is_right}; if this row is right, send the difference with a CSV of your own that has these two lines: `{CSV_HEADER}` and `{row}`"
            ),
            None => is_right,
        },
        Contradiction::Promoter if event.kind == Kind::Signup => {
            let promoter = event
                .terms()
                .field(difference)
                .map_or(String::new(), |(_, promoter)| promoter);
            format!(
                "{is_right}; if `{promoter}` is right, give the lead to that promoter in FirstPromoter, then accept it in the same way"
            )
        }
        Contradiction::Reference | Contradiction::Date | Contradiction::Kind => format!(
            "if it is another event, its profile has to give it an `event_id` of its own, by a column that differs; {is_right}"
        ),
        _ => format!(
            "{is_right}; if this row is right, reverse what was sent by a refund, and send it under another `event_id`, both with a CSV of your own"
        ),
    }
}

/// Returns `true` if one of the two may be an invoice, and the other one of several payments of it: only one
/// of them says which payment it is.
fn is_maybe_a_part(event: EventRef<'_>, recorded: &Essence) -> bool {
    event.kind == Kind::Sale && event.reference.is_some() != recorded.has_any_reference()
}

/// Returns the row of a CSV that turns what was sent into what the event says. A refund reverses what was
/// paid; a sale adds what counts. An id that was used sends nothing again.
fn correction(event: EventRef<'_>, recorded: &Essence, history: &dyn History) -> Option<String> {
    let (read, sent) = (event.read_money()?, recorded.money?);
    let (paid_cents, sent_cents) = (event.paid_cents()?, recorded.paid_cents()?);
    let more_cents = paid_cents.checked_sub(sent_cents)?;
    let (sale, is_more) = match event.kind {
        Kind::Sale => (event.event_id(), more_cents > 0),
        Kind::Refund => (event.sale_event_id?, more_cents < 0),
        Kind::Cancellation | Kind::Signup => return None,
    };
    let difference_cents = match (event.kind, is_more) {
        (_, false) => more_cents.checked_abs()?,
        (Kind::Sale, true) => read.amount_cents.checked_sub(sent.amount_cents)?,
        (_, true) => share_cents(sent.amount_cents, more_cents.checked_abs()?, sent_cents)?,
    };
    if read.currency != sent.currency || difference_cents <= 0 {
        return None;
    }
    let (kind, sale) = if is_more {
        (Kind::Sale, "")
    } else {
        (Kind::Refund, sale)
    };
    let difference = Money {
        amount_cents: difference_cents,
        ..read
    };
    let id = correction_id(event.event_id(), paid_cents);
    let is_used = history.essence(EventKey::from_id(&id)).is_some();
    (!is_used).then(|| own_row(kind, &id, sale, difference, event))
}

/// Returns the row of a CSV that reverses the part of a sale that was sent and does not count.
pub(crate) fn reversal_row(sale: EventRef<'_>, difference: Money) -> Option<String> {
    let id = correction_id(sale.event_id(), sale.paid_cents()?);
    Some(own_row(
        Kind::Refund,
        &id,
        sale.event_id(),
        difference,
        sale,
    ))
}

/// Returns an event with the customer and the date of another one as the row of a CSV.
fn own_row(kind: Kind, id: &str, sale: &str, money: Money, like: EventRef<'_>) -> String {
    let with_currency = money.to_string();
    let amount = with_currency.split(' ').next().unwrap_or_default();
    format!(
        "{kind},{id},{sale},{},{},{amount},{},{}",
        like.customer.email.unwrap_or_default(),
        like.customer.uid.unwrap_or_default(),
        money.currency,
        day_of(like),
    )
}

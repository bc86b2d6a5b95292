//! The refunds of one sale, taken together: how much each of them reverses.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use super::{AskedAgain, Found, HeldReason, Link, Links, Sale, SaleHistory};
use crate::event::{
    Correction, Essence, Event, EventKey, Events, KeyMap, Kind, Money, PAID_AFTER_ALL, Refunded,
    TOTAL_FELL, Text, UndoState, fell_to_id, is_beside_totals, is_undo, running_total_refund_id,
};
use crate::journal::Outcome;

/// The note of a refund of a sale that is undone.
const UNDONE: &str = "`fprecon undo` has refunded all that was left of its sale";

/// The note of a refund of a sale that others have refunded.
const REFUNDED_BY_OTHERS: &str = "others have refunded all of its sale, as the account's list said when `fprecon undo` compared it";

/// The note of a refund of a sale that is to be undone.
const UNDO_OPEN: &str =
    "`fprecon undo` is to refund all that is left of its sale, and that refund is not tracked yet";

/// The note of the refund of an undo that is handed back.
const IS_UNDO: &str = "`fprecon undo` made this refund, and others may have refunded its sale since: it is only sent where the account's list is read first";

/// The note of a refund of a sale of which somebody accepted that it is not undone.
const UNDO_ACCEPTED: &str = "`fprecon undo` held the refund of all that is left of its sale, and somebody accepted that: if the sale was refunded in FirstPromoter, nothing is left of it";

/// The refunds of one sale, taken together.
pub(super) struct SaleAccount<'e> {
    key: EventKey,
    sale: Sale,
    earlier: &'e dyn SaleHistory,
    asked_again: &'e AskedAgain,
    /// The refunds that their profile holds, by their places: nothing of them is refunded yet.
    looked_at: &'e HashSet<usize>,
    /// The sum refunded so far, as it was paid back, in cents.
    gross_cents: i64,
    /// The part of it that no running total has in it, in cents.
    beside_totals_cents: i64,
    /// The sum refunded so far, as it counts, in cents.
    net_cents: i64,
}

/// Readings of one refund that has an id of its own.
struct PartialRefund {
    /// The one of which its amount is taken.
    first: usize,
    all: Vec<usize>,
}

impl<'e> SaleAccount<'e> {
    pub(super) fn new(
        key: EventKey,
        sale: Sale,
        earlier: &'e dyn SaleHistory,
        found: &Found<'e>,
    ) -> Self {
        SaleAccount {
            key,
            sale,
            earlier,
            asked_again: found.asked_again,
            looked_at: found.looked_at,
            gross_cents: 0,
            beside_totals_cents: 0,
            net_cents: 0,
        }
    }

    pub(super) fn settle_refunds(
        &mut self,
        refunds: &[usize],
        events: &mut Events,
        links: &mut Links,
    ) {
        let currency = self.sale.money.currency;
        let refunds = self.without_undone(refunds, events, links);
        let refunds = self.without_paid_after_all(refunds, events, links);
        let (in_currency, foreign): (Vec<usize>, Vec<usize>) =
            refunds.iter().partition(|&&refund| {
                events.figures(refund).money.map(|m| m.currency) == Some(currency)
            });
        for refund in foreign {
            let reason = format!("its sale is in another currency: {}", self.sale.money);
            links.set(refund, Link::held(HeldReason::UnfitForSale, reason));
        }
        let (totals, parts): (Vec<usize>, Vec<usize>) = in_currency
            .into_iter()
            .partition(|&refund| events.figures(refund).refund_total_cents.is_some());
        let known = self.asked_again.refunded(self.key, self.earlier);
        // Of a sale for which nothing says what was paid, only what counts can be compared.
        let refunded_cents = if self.sale.gross_is_unknown {
            known.cents
        } else {
            known.gross_cents
        };
        self.beside_totals_cents = known.beside_totals_cents;
        let total = known.largest_total_cents.map_or(0, |it| self.in_all(it));
        self.gross_cents = refunded_cents.max(total);
        self.net_cents = known.cents;
        let (corrections, parts): (Vec<usize>, Vec<usize>) = parts
            .into_iter()
            .partition(|&refund| self.correction(refund, events).is_some());
        self.settle_corrections(&corrections, events, links);
        let (looked_at, parts): (Vec<usize>, Vec<usize>) = parts
            .into_iter()
            .partition(|refund| self.looked_at.contains(refund));
        self.settle_parts(&parts, known, events, links);
        self.settle_totals(&totals, known, events, links);
        self.settle_parts(&looked_at, known, events, links);
    }

    /// Returns what is refunded in all if a running total is this.
    fn in_all(&self, total_cents: i64) -> i64 {
        total_cents.saturating_add(self.beside_totals_cents)
    }

    /// Returns the refunds that are settled as always: of a sale that is undone those that earlier runs
    /// recorded. Nothing is left of it for the others, nor for those that count nowhere and are handed back.
    fn without_undone(&self, refunds: &[usize], events: &Events, links: &mut Links) -> Vec<usize> {
        let Some(state) = self.earlier.undone(self.key) else {
            return refunds.to_vec();
        };
        let is_recorded = |refund: &usize| self.recorded(events.key(*refund)).is_some();
        let (recorded, new): (Vec<usize>, Vec<usize>) =
            refunds.iter().partition(|it| is_recorded(it));
        let counts_nowhere = |refund: &usize| {
            let outcome = self.earlier.outcome(events.key(*refund));
            matches!(outcome, Some(Outcome::Failed | Outcome::NonReferral))
        };
        let again = recorded.iter().copied().filter(counts_nowhere);
        for refund in new.into_iter().chain(again) {
            let event = events.get(refund);
            let is_undo = is_undo(event.kind, event.event_id(), event.sale_event_id);
            links.set(
                refund,
                match state {
                    _ if is_undo => Link::held(HeldReason::UndoOpen, IS_UNDO),
                    UndoState::Accepted => Link::held(HeldReason::UndoOpen, UNDO_ACCEPTED),
                    UndoState::Refunded => Link::Covered(UNDONE.to_owned()),
                    UndoState::RefundedByOthers => Link::Covered(REFUNDED_BY_OTHERS.to_owned()),
                    UndoState::Open => Link::held(HeldReason::UndoOpen, UNDO_OPEN),
                },
            );
        }
        recorded
    }

    /// Holds the refunds that no earlier run recorded of a sale that was refunded since it was not paid, and sent again since
    /// it was paid after all: they are of that one, of which the journal's sums say nothing. Returns the others.
    fn without_paid_after_all(
        &self,
        refunds: Vec<usize>,
        events: &Events,
        links: &mut Links,
    ) -> Vec<usize> {
        let sale = refunds.first();
        let sale = sale.and_then(|&refund| events.sale_event_id(refund));
        let again = sale.map(|sale| compact_str::format_compact!("{sale}{PAID_AFTER_ALL}"));
        let outcome = |id: &Text| self.earlier.outcome(EventKey::from_id(id));
        let again = again.filter(|id| outcome(id).is_some_and(Outcome::is_tracked));
        let Some(again) = again else {
            return refunds;
        };
        let is_recorded = |refund: &usize| self.recorded(events.key(*refund)).is_some();
        let (recorded, new): (Vec<usize>, Vec<usize>) = refunds.into_iter().partition(is_recorded);
        for refund in new {
            let note = format!(
                "its sale was refunded since it was not paid, and sent again as `{again}`: it is not known how much of that is refunded already"
            );
            links.set(refund, Link::held(HeldReason::UnfitForSale, note));
        }
        recorded
    }

    /// Returns what an earlier run recorded of a refund, and what stands.
    fn recorded(&self, refund: EventKey) -> Option<Essence> {
        let recorded = self.earlier.essence(refund)?;
        let is_superseded = self.asked_again.supersedes(refund, self.earlier);
        (!is_superseded).then_some(recorded)
    }

    fn correction(&self, refund: usize, events: &Events) -> Option<Correction> {
        let correction = Correction::from_id(Kind::Refund, events.get(refund).event_id())?;
        (correction.base == self.key).then_some(correction)
    }

    /// Settles refunds that turn the sale into what an export says of it now: the other refunds are those of the
    /// corrected sale.
    fn settle_corrections(&mut self, refunds: &[usize], events: &mut Events, links: &mut Links) {
        for part in parts_of(refunds, events) {
            if let Some(recorded) = self.recorded(events.key(part.first)) {
                adopt(&recorded, &part.all, events);
                continue;
            }
            let before = (self.gross_cents, self.net_cents);
            self.set_paid_back(&part, events);
            let link = self.settle_part(&part, events);
            if link == Link::Sound
                && let Some(correction) = self.correction(part.first, events)
            {
                self.sale.money.amount_cents -= self.net_cents - before.1;
                self.sale.gross_cents = correction.paid_cents;
                (self.gross_cents, self.net_cents) = before;
            }
            for index in part.all {
                links.set(index, link.clone());
            }
        }
    }

    /// Gives a correction of a taxed sale what was paid back with it: its own amount is what counts.
    fn set_paid_back(&self, part: &PartialRefund, events: &mut Events) {
        let Some(correction) = self.correction(part.first, events) else {
            return;
        };
        let paid_back = self.sale.gross_cents.saturating_sub(correction.paid_cents);
        for &index in &part.all {
            let event = events.figures(index);
            if let Some(money) = event.money
                && event.gross_cents.is_none()
                && self.sale.is_taxed()
                && paid_back >= money.amount_cents
            {
                set_amount(events, index, money.amount_cents, Some(paid_back));
            }
        }
    }

    /// Refunds that name their own amount, by date.
    fn settle_parts(
        &mut self,
        parts: &[usize],
        known: Refunded,
        events: &mut Events,
        links: &mut Links,
    ) {
        for part in parts_of(parts, events) {
            if let Some(recorded) = self.recorded(events.key(part.first)) {
                adopt(&recorded, &part.all, events);
                continue;
            }
            let is_beside_totals = is_beside_totals(events.get(part.first).event_id());
            let link = match known.largest_total_cents.filter(|_| !is_beside_totals) {
                Some(total) => self.maybe_in_total(total),
                None => {
                    let before = self.gross_cents;
                    let link = self.settle_part(&part, events);
                    if is_beside_totals {
                        self.beside_totals_cents += self.gross_cents - before;
                    }
                    link
                }
            };
            // Any of several readings may be the one that is sent: what holds one holds all.
            for index in part.all {
                links.set(index, link.clone());
            }
        }
    }

    fn settle_part(&mut self, part: &PartialRefund, events: &mut Events) -> Link {
        let first = events.figures(part.first);
        let (counted, gross) = (first.money, first.gross_cents);
        let Some(counted) = counted.map(|money| money.amount_cents) else {
            return Link::Sound;
        };
        let keeps_net = gross.is_some() && (self.sale.is_taxed() || self.sale.gross_is_unknown);
        let paid = if self.sale.gross_is_unknown {
            counted
        } else {
            gross.unwrap_or(counted)
        };
        let refunded = self.gross_cents.saturating_add(paid);
        if refunded > self.sale.gross_cents {
            return self.above_sale(self.sale.money_of(refunded), self.sale.gross_cents);
        }
        let net = if keeps_net {
            counted
        } else {
            self.sale.net_of(refunded).saturating_sub(self.net_cents)
        };
        let net_refunded = self.net_cents.saturating_add(net);
        if net_refunded > self.sale.money.amount_cents {
            let net_refunded = self.sale.money_of(net_refunded);
            return self.above_sale(net_refunded, self.sale.money.amount_cents);
        }
        let paid_back = gross.unwrap_or(counted);
        for &index in &part.all {
            let event = events.figures(index);
            let is_same = event.gross_cents.is_none() || event.gross_cents == gross;
            // A reading of another amount keeps it, to be a conflict.
            if let Some(money) = event.money
                && is_same
                && event.gross_cents.unwrap_or(money.amount_cents) == paid_back
            {
                let gross = (self.sale.is_taxed() || keeps_net).then_some(paid_back);
                set_amount(events, index, net.max(0), gross);
            }
        }
        self.gross_cents = refunded;
        if net <= 0 {
            return rounds_to_nothing();
        }
        self.net_cents = net_refunded;
        Link::Sound
    }

    /// Settles running totals, from the smallest: each adds what the ones before do not cover.
    fn settle_totals(
        &mut self,
        totals: &[usize],
        known: Refunded,
        events: &mut Events,
        links: &mut Links,
    ) {
        let mut by_total: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for &index in totals {
            if let Some(total) = events.figures(index).refund_total_cents {
                by_total.entry(total).or_default().push(index);
            }
        }
        let mut below = 0;
        for (&total, indexes) in &by_total {
            let largest_here = self.largest_valid_total(total, &by_total, events);
            if let Some(recorded) = self.recorded(events.key(indexes[0])) {
                for &index in indexes {
                    events.edit(index, |event| {
                        event.money = recorded.money.or(event.money);
                        event.gross_cents = recorded.gross_cents;
                    });
                }
                self.hold_total_that_rose_again(total, indexes, events, links);
                if let Some(largest) = self.fell_from(total, known, largest_here)
                    && let Some(&later) = indexes.iter().find(|&&index| {
                        let input = events.get(index).source.input;
                        self.earlier.may_be_later_than_total(input, self.key)
                    })
                {
                    let reading = events.get(later).to_event();
                    hold_total_that_fell(&reading, largest, total, events, links);
                }
            } else {
                let (net, gross, link) = self.settle_total(total, below, known, largest_here);
                for &index in indexes {
                    if events.figures(index).money.is_some() {
                        set_amount(events, index, net, gross);
                    }
                    links.set(index, link.clone());
                }
            }
            below = total;
        }
    }

    /// Adds a refund that is held for a running total that an earlier run recorded, that fell since, as somebody accepted, and
    /// that is there again: what was sent of it may have been taken back.
    fn hold_total_that_rose_again(
        &self,
        total: i64,
        indexes: &[usize],
        events: &mut Events,
        links: &mut Links,
    ) {
        let fallen = self.earlier.total_fallen_to(self.key);
        let is_later = |&&index: &&usize| {
            let input = events.get(index).source.input;
            self.earlier.may_be_later_than_total(input, self.key)
        };
        let again = fallen.filter(|&fallen| fallen < total);
        if let (Some(fallen), Some(&index)) = (again, indexes.iter().find(is_later)) {
            let reading = events.get(index).to_event();
            let id = compact_str::format_compact!("{}_again", reading.event_id());
            let mut refund = reading.derive_event(Kind::Refund, id);
            refund.sale_event_id.clone_from(&reading.sale_event_id);
            refund.money = Some(self.sale.money_of(total - fallen));
            let (was, is) = (self.sale.money_of(fallen), self.sale.money_of(total));
            let note = format!(
                "the running total fell to {was}, as somebody accepted, and is {is} again: what was sent of it may have been taken back in FirstPromoter"
            );
            links.set(events.len(), Link::held(HeldReason::TotalFell, note));
            events.push(&refund);
        }
    }

    /// Settles a running total: what it counts, what was paid back with it if that is more, and what becomes of it.
    fn settle_total(
        &mut self,
        total: i64,
        below: i64,
        known: Refunded,
        largest_here: Option<i64>,
    ) -> (i64, Option<i64>, Link) {
        let (in_all, before) = (self.in_all(total), self.in_all(below));
        if in_all > self.sale.gross_cents {
            let above = self.above_sale(self.sale.money_of(in_all), self.sale.gross_cents);
            return (total - below, None, above);
        }
        let gross = |cents: i64| self.sale.is_taxed().then_some(cents);
        if in_all <= self.gross_cents {
            let net = self.sale.net_of(in_all) - self.sale.net_of(before);
            let link = self.not_above(total, known, largest_here);
            return (net, gross(total - below), link);
        }
        let gross = gross(in_all - self.gross_cents);
        let net = self.sale.net_of(in_all).saturating_sub(self.net_cents);
        self.gross_cents = in_all;
        if net <= 0 {
            return (0, gross, rounds_to_nothing());
        }
        self.net_cents += net;
        (net, gross, Link::Sound)
    }

    /// Returns the link of a refund that a running total of its sale may include: a total does not say which refunds
    /// it includes.
    fn maybe_in_total(&self, total_cents: i64) -> Link {
        let total = self.sale.money_of(total_cents);
        Link::held(
            HeldReason::UnfitForSale,
            format!(
                "an earlier run recorded {total} as refunded of its sale in all, and this refund may be part of that"
            ),
        )
    }

    fn above_sale(&self, refunded: Money, sale_cents: i64) -> Link {
        let sale = self.sale.money_of(sale_cents);
        Link::held(
            HeldReason::UnfitForSale,
            format!("with it {refunded} would be refunded of a sale of {sale}"),
        )
    }

    /// Returns the link of a total that adds nothing: an earlier state of the sale, or a total that fell.
    fn not_above(&self, total: i64, known: Refunded, largest_here: Option<i64>) -> Link {
        match self.fell_from(total, known, largest_here) {
            Some(largest) => {
                let (was, is) = (self.sale.money_of(largest), self.sale.money_of(total));
                Link::held(HeldReason::TotalFell, fell(was, &is.to_string()))
            }
            None => Link::Covered("other refunds of its sale already account for it".to_owned()),
        }
    }

    /// Returns the running total that an earlier run recorded if it was larger, and no export of the job has it
    /// still. Nothing of what is no referral counts.
    fn fell_from(&self, total: i64, known: Refunded, largest_here: Option<i64>) -> Option<i64> {
        let counts = self.earlier.outcome(self.key) != Some(Outcome::NonReferral);
        let largest = known.largest_total_cents?;
        (counts && largest > total && largest_here < Some(largest)).then_some(largest)
    }

    /// Returns the largest of the job's running totals that an export says which is not known to be older than one
    /// that says `total`.
    fn largest_valid_total(
        &self,
        total: i64,
        by_total: &BTreeMap<i64, Vec<usize>>,
        events: &Events,
    ) -> Option<i64> {
        let input = |&index: &usize| events.get(index).source.input;
        let is_outdated = |others: &[usize]| {
            by_total[&total].iter().any(|index| {
                let is_later = |other| self.earlier.may_be_later_export(input(index), input(other));
                others.iter().all(is_later)
            })
        };
        let mut from_largest = by_total.iter().rev();
        from_largest
            .find(|(other, indexes)| **other == total || !is_outdated(indexes))
            .map(|(largest, _)| *largest)
    }
}

/// Adds a refund that is held for each sale of which an earlier run read a running total, and of which
/// these exports say that nothing was refunded.
pub(super) fn hold_totals_that_fell_to_nothing(
    events: &mut Events,
    earlier: &dyn SaleHistory,
    links: &mut Links,
) {
    let mut fallen: BTreeMap<EventKey, (usize, i64)> = BTreeMap::new();
    for index in 0..events.len() {
        if !events.has_no_refunds(index) {
            continue;
        }
        let key = events.key(index);
        // Nothing of what is no referral counts, and nothing of its refunds.
        if earlier.outcome(key) == Some(Outcome::NonReferral) {
            continue;
        }
        let known = earlier.refunded(key);
        if let Some(total) = known.largest_total_cents.filter(|&total| total > 0) {
            let input = |index: usize| events.get(index).source.input;
            let latest = fallen.entry(key).or_insert((index, total));
            if earlier.may_be_later_export(input(index), input(latest.0)) {
                latest.0 = index;
            }
        }
    }
    if fallen.is_empty() {
        return;
    }
    // Another export of the same job may have the total still, unless it is an older one.
    for refund in events.iter().filter(|event| event.kind == Kind::Refund) {
        if let (Some(sale), Some(_)) = (refund.sale_event_id, refund.refund_total_cents) {
            let sale = EventKey::from_id(sale);
            let is_outdated = fallen.get(&sale).is_some_and(|&(without, _)| {
                let without = events.get(without).source.input;
                earlier.may_be_later_export(without, refund.source.input)
            });
            if !is_outdated {
                fallen.remove(&sale);
            }
        }
    }
    for (index, total) in fallen.into_values() {
        let sale = events.get(index).to_event();
        let read = sale.read_money().expect("each sale has an amount");
        let was = Money {
            amount_cents: total,
            ..read
        };
        let id = running_total_refund_id(sale.event_id(), 0);
        let mut refund = sale.derive_event(Kind::Refund, id);
        refund.sale_event_id = Some(Text::new(sale.event_id()));
        refund.money = Some(was);
        refund.refund_total_cents = Some(0);
        let note = fell(was, "nothing is");
        links.set(events.len(), Link::held(HeldReason::TotalFell, note));
        events.push(&refund);
    }
}

/// Adds a refund that is held for a running total that fell to one that an earlier run had recorded before it
/// grew: `reading` is the job's refund with that total.
fn hold_total_that_fell(
    reading: &Event,
    was_cents: i64,
    is_cents: i64,
    events: &mut Events,
    links: &mut Links,
) {
    let (sale, read) = (reading.sale_event_id.as_ref(), reading.read_money());
    let sale = sale.expect("a running total is settled with its sale");
    let read = read.expect("each refund has an amount");
    let money = |amount_cents| Money {
        amount_cents,
        ..read
    };
    let id = fell_to_id(sale, is_cents);
    let mut refund = reading.derive_event(Kind::Refund, id);
    refund.sale_event_id = Some(sale.clone());
    refund.money = Some(money(was_cents - is_cents));
    let note = fell(money(was_cents), &money(is_cents).to_string());
    links.set(events.len(), Link::held(HeldReason::TotalFell, note));
    events.push(&refund);
}

/// Says that less is refunded of a sale than an earlier run read.
fn fell(was: Money, is: &str) -> String {
    format!("{TOTAL_FELL}{was} was refunded of this sale, and now {is}")
}

/// Gives a refund that has an amount this one.
fn set_amount(events: &mut Events, refund: usize, cents: i64, gross_cents: Option<i64>) {
    let event = events.figures(refund);
    let is_so = event.money.map(|money| money.amount_cents) == Some(cents);
    if is_so && event.gross_cents == gross_cents {
        return;
    }
    events.edit(refund, |event| {
        if let Some(money) = &mut event.money {
            money.amount_cents = cents;
        }
        event.gross_cents = gross_cents;
    });
}

/// Gives a refund that an earlier run found to count nothing no amount; what it was then is among what
/// is refunded of its sale.
pub(super) fn counts_nothing_again(gross_cents: i64, refund: usize, events: &mut Events) -> Link {
    if events.get(refund).paid_cents() != Some(gross_cents) {
        return Link::held(
            HeldReason::UnfitForSale,
            "an earlier run read another amount of it, of which nothing counted",
        );
    }
    set_amount(events, refund, 0, Some(gross_cents));
    rounds_to_nothing()
}

fn rounds_to_nothing() -> Link {
    Link::Covered(
        "nothing of it counts: before tax it rounds to nothing, or is refunded already".to_owned(),
    )
}

/// Refunds with ids of their own, each with all its readings, by date; of readings that differ, the
/// one that says what counts is taken, else the largest.
fn parts_of(parts: &[usize], events: &Events) -> Vec<PartialRefund> {
    let mut by_key: KeyMap<Vec<usize>> = KeyMap::default();
    for &index in parts {
        by_key.entry(events.key(index)).or_default().push(index);
    }
    let mut parts: Vec<PartialRefund> = by_key
        .into_values()
        .map(|mut all| {
            all.sort_by_key(|&index| {
                let event = events.get(index);
                let cents = event.money.map(|money| money.amount_cents);
                let paid = Reverse(event.paid_cents());
                (paid, event.gross_cents.is_none(), cents, event.source)
            });
            PartialRefund { first: all[0], all }
        })
        .collect();
    parts.sort_by(|a, b| {
        let order = |part: &PartialRefund| {
            let date = part
                .all
                .iter()
                .map(|&index| events.get(index).created_at)
                .min();
            (date, events.get(part.first).event_id())
        };
        order(a).cmp(&order(b))
    });
    parts
}

/// Gives the readings of a refund what an earlier run recorded of it; another amount stays, to be a conflict.
fn adopt(recorded: &Essence, readings: &[usize], events: &mut Events) {
    for &index in readings {
        let event = events.get(index);
        let says_net = event.gross_cents.is_some() && recorded.gross_cents.is_some();
        if recorded.refund_total_cents.is_none()
            && !says_net
            && event.paid_cents() == recorded.paid_cents()
        {
            events.edit(index, |event| {
                event.money = recorded.money;
                event.gross_cents = recorded.gross_cents;
            });
        }
    }
}

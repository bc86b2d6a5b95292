//! Decides refunds that an earlier run did not send, since they or a part of them may be in the account: somebody had
//! sent their sale before the journal began. The account's list says what is missing of running totals, and which others are
//! there.

use std::collections::BTreeMap;

use super::AccountSales;
use crate::event::{EventKey, Events, KeyMap, Kind, Money};
use crate::journal::PlanState;
use crate::link::HeldReason;
use crate::plan::History;
use crate::plan::account_findings::Uncompared;
use crate::plan::planner::{KeyRepresentatives, Planner};

/// The note of a running total that the account has as other ones.
const COVERED: &str = "the account has running totals of its sale that come to this one";

/// The note of a running total of which it is not known what is missing in the account.
const UNCLEAR: &str = "an earlier running total of this sale was not sent, since a part of it may be in FirstPromoter, and is not in these exports; what is missing can't be computed, since what counts is not what was paid back";

impl AccountSales {
    /// Gives running totals whose sale has any that was not compared the amount that is missing in the account. Adds the keys
    /// of those for which that is computed to `subtracted`, each with what others have sent of it in minor units.
    pub(in crate::plan) fn settle_uncompared(
        &self,
        events: &mut Events,
        history: &dyn History,
        subtracted: &mut KeyMap<i64>,
    ) -> Uncompared {
        let mut decided = Uncompared {
            is_compared: true,
            ..Uncompared::default()
        };
        let own = self.own_refunds(events, history);
        for (sale, totals) in self.open_totals(events, history) {
            let theirs = self.totals_of(sale, Some(&own)).unwrap_or(0);
            let mut theirs = (theirs - history.part_in_account(sale)).max(0);
            let there = self.totals_of(sale, None);
            let is_plain = |index: &usize| self.is_plain(events.get(*index));
            let are_plain = totals.values().flatten().all(is_plain);
            let Some(mut there) = there.filter(|_| are_plain) else {
                let here: Vec<EventKey> = totals.values().map(|own| events.key(own[0])).collect();
                let mut earlier = history.uncompared_refunds(sale).iter();
                if earlier.any(|it| it.total_cents.is_some() && !here.contains(&it.key)) {
                    decided
                        .unclear
                        .extend(here.into_iter().map(|key| (key, ())));
                }
                continue;
            };
            for (total, indexes) in totals {
                let key = events.key(indexes[0]);
                if total <= there {
                    decided.covered.insert(key, ());
                    continue;
                }
                for index in indexes {
                    events.edit(index, |event| {
                        if let Some(money) = &mut event.money {
                            money.amount_cents = total - there;
                            let less = Money {
                                amount_cents: there,
                                ..*money
                            };
                            if there > 0 {
                                event.remark(&format!("{less} of this total are in the account"));
                            }
                        }
                    });
                }
                subtracted.insert(key, theirs);
                theirs = 0;
                there = total;
            }
        }
        decided
    }

    /// Returns the running totals that may have to be sent of sales that have any which was not compared, by their totals.
    /// What the account has under its id is not among them.
    fn open_totals(
        &self,
        events: &Events,
        history: &dyn History,
    ) -> BTreeMap<EventKey, BTreeMap<i64, Vec<usize>>> {
        let mut by_sale: BTreeMap<EventKey, BTreeMap<i64, Vec<usize>>> = BTreeMap::new();
        for index in 0..events.len() {
            let (key, kind) = (events.key(index), events.kind(index));
            let sale = events
                .sale_event_id(index)
                .map(EventKey::from_id)
                .filter(|sale| !history.uncompared_refunds(*sale).is_empty());
            let is_open = || history.essence(key).is_none() || history.is_uncompared(key);
            if let (Kind::Refund, Some(sale), Some(total)) =
                (kind, sale, events.figures(index).refund_total_cents)
                && is_open()
                && !self.has_refund_of(key)
            {
                let totals = by_sale.entry(sale).or_default();
                totals.entry(total).or_default().push(index);
            }
        }
        by_sale
    }
}

impl Planner<'_> {
    /// Decides a refund that an earlier run did not send, since it was not compared: it takes the place of that if the
    /// account's list was read, and else stays as it is.
    pub(in crate::plan) fn decide_uncompared(
        &mut self,
        index: usize,
        key: EventKey,
        is_again: bool,
        representatives: &mut KeyRepresentatives,
    ) {
        if is_again {
            let note = "these exports have it more than once";
            return self.mark(index, PlanState::Duplicate, note);
        }
        representatives.set(index, key);
        if self.uncompared.is_compared && !self.uncompared.covered.contains_key(&key) {
            self.replacing.insert(key, ());
            return self.mark(index, PlanState::ToSend, "");
        }
        self.uncompared.left += 1;
        self.mark(index, PlanState::Settled, "");
    }

    /// Leaves out the running totals of which nothing is missing in the account, and holds those of which that is not known.
    pub(in crate::plan) fn apply_uncompared(&mut self, events: &Events) {
        let decided = &self.uncompared;
        if decided.covered.is_empty() && decided.unclear.is_empty() {
            return;
        }
        for index in 0..events.len() {
            let key = events.key(index);
            if self.states[index] != PlanState::ToSend {
                continue;
            }
            if self.uncompared.covered.contains_key(&key) {
                self.mark(index, PlanState::Duplicate, COVERED);
            } else if self.uncompared.unclear.contains_key(&key) {
                self.hold(index, HeldReason::UnfitForSale, UNCLEAR);
            }
        }
    }
}

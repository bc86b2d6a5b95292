//! Finds the differences: each sale is judged together with its refunds and all commissions that belong to it,
//! so that one cause is one finding.
//!
//! Within a sale, commissions of each tier and unit are judged by themselves. Their findings come to
//! what they are paid less what is expected: it is checked for every sale.

mod denied_paid;
mod due;
mod halves;
mod refunds;
mod sale;
mod splits;
mod standing;
mod tiers;
mod twice;
mod unearned;
mod words;

pub(super) use words::{action, action_for};

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use jiff::Timestamp;

use self::splits::SplitPatterns;
use self::tiers::UpperTiers;
use super::books::{AuditData, Code, LeadRow, OurRow, TheirRow, TotalKey};
use super::earlier::EarlierCommissions;
use super::expected::{CommissionTerms, PaymentTimes, TermsKey};
use super::grouped::{Grouped, index};
use super::history::SaleHistories;
use super::matching::Matching;
use super::money::money;
use super::parallel::ranges;
use super::plans::GuessedPlans;
use super::referrers::{Referral, Referrers};
use super::rules::CommissionRate;
use super::selection::{Selection, UnmatchedCommissions};
use super::similar_id::similar_id;
use super::unchecked::{Tallies, UncheckedReason};
use super::{AuditError, AuditRules, FindingKind, MatchReason};
use crate::event::sale_of_running_total;

/// A finding, as long as its sides are rows.
#[derive(Clone, Debug)]
pub(super) struct FindingDraft {
    pub(super) kind: FindingKind,
    pub(super) difference_cents: i64,
    pub(super) concerned_cents: i64,
    pub(super) unit: Code,
    pub(super) ours: Option<u32>,
    pub(super) theirs: Option<u32>,
    pub(super) matched_by: Option<MatchReason>,
    pub(super) expected_cents: Option<i64>,
    pub(super) message: String,
    /// What else makes the finding another one: who should have the money, the days. Not every finding has it.
    pub(super) because: String,
}

/// A finding about a commission and the sale or refund that it belongs to, by their rows.
struct PairFinding {
    kind: FindingKind,
    ours: u32,
    theirs: u32,
    difference_cents: i64,
    concerned_cents: i64,
    expected_cents: Option<i64>,
    message: String,
}

/// A part of what commissions should come to, and under which head it is added up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    pub(super) head: TotalKey,
    pub(super) cents: i64,
}

/// The findings and sums of what was judged.
#[derive(Default)]
pub(super) struct Judged {
    pub(super) drafts: Vec<FindingDraft>,
    pub(super) expected: Vec<Expected>,
    /// The row of the commission under which each case is shown, by the row of the case.
    pub(super) mains: Vec<Option<u32>>,
    pub(super) tallies: Tallies,
    /// Promoter and campaign of sales that should have a commission and have none.
    pub(super) owners: HashMap<u32, (Code, Code)>,
}

/// The two sides to judge, and everything that they are judged by.
pub(super) struct JudgeInput<'a> {
    pub(super) books: &'a AuditData,
    pub(super) matching: &'a Matching,
    pub(super) terms: &'a CommissionTerms<'a>,
    pub(super) rules: &'a AuditRules,
    pub(super) history: &'a SaleHistories,
    pub(super) earlier: &'a EarlierCommissions<'a>,
    pub(super) guessed_plans: &'a GuessedPlans,
    /// Commissions by the row of their case.
    pub(super) commissions: &'a Grouped,
    pub(super) unmatched: &'a UnmatchedCommissions,
    pub(super) selection: &'a Selection,
    /// The time when their side was read.
    pub(super) as_of: Timestamp,
}

/// A sale with its refunds and commissions; or refunds whose sale is not there.
pub(super) struct Case<'c> {
    sale: Option<u32>,
    refunds: &'c [u32],
    commissions: &'c [u32],
}

/// The commissions of one tier and unit.
struct CommissionGroup<'c> {
    tier: u32,
    is_cash: bool,
    /// The commissions of the sale.
    earned: &'c [u32],
    /// The commissions that refunds reverse.
    taken: &'c [u32],
}

/// The commission that a sale has, or should have: the measure of what its refunds reverse.
#[derive(Clone, Copy)]
struct EarnedCommission {
    /// The commission under which it is shown; absent if there is none.
    main: Option<u32>,
    promoter: Code,
    actual_cents: i64,
    /// The commission that it should have, which is the same where nothing was found.
    due_cents: i64,
    lines: usize,
    is_paid: bool,
    /// `true` if nobody has it, though it is due.
    is_missing: bool,
    pays: Option<CommissionRate>,
    /// The finding whose effect a refund shares.
    finding: Option<usize>,
}

/// What the refunds of a sale that were judged so far undo of its commission.
#[derive(Clone, Copy, Debug, Default)]
struct Undone {
    /// The number of the refunds.
    refunds: usize,
    /// The amount that was refunded.
    part_cents: i64,
    /// The commission that should be reversed for it, as a positive amount.
    due_cents: i64,
    /// The same of what the sale has in fact earned.
    actual_cents: i64,
    /// The part that is due for refunds that reversed nothing of a commission that nobody has.
    open_cents: i64,
    /// `true` if refunds may not be converted by the rates of their days: too much would be left.
    is_rest_far: bool,
    /// What the reversals were rounded otherwise than expected.
    rounded_cents: i64,
    /// The last refund and reversal of which this is so.
    rounded_last: Option<(u32, u32)>,
}

/// Judges every case of the period and every commission of it that belongs to none.
pub(super) fn all(brief: &JudgeInput<'_>) -> Result<Judged, AuditError> {
    let JudgeInput {
        books, matching, ..
    } = *brief;
    let billed = Grouped::new(matching.case.iter().map(|case| Some(*case)));
    let uppers = UpperTiers::new(books, brief.commissions, brief.rules);
    let referrers = Referrers::new(books, matching, brief.commissions, brief.earlier);
    let patterns = SplitPatterns::new(books, brief.commissions);
    let judge = || Judge {
        patterns: &patterns,
        guessed_plans: brief.guessed_plans,
        books,
        matching,
        terms: brief.terms.clone(),
        rules: brief.rules,
        selection: brief.selection,
        as_of: brief.as_of,
        history: brief.history,
        uppers: &uppers,
        referrers: &referrers,
        drafts: Vec::new(),
        expected: Vec::new(),
        tallies: Tallies::default(),
        owners: HashMap::new(),
        parts: Vec::new(),
        undone: Undone::default(),
        of_extra: Vec::new(),
        corrections: Vec::new(),
    };
    let parts = ranges(books.ours.len(), |cases| {
        judge().cases(cases, &billed, brief.commissions)
    });
    let mut judged = Judged::default();
    for part in parts {
        judged.append(part?);
    }
    let mut rest = judge();
    rest.unmatched(brief.unmatched);
    rest.by_hand();
    rest.undated();
    let drafts = judged.drafts.iter();
    rest.denied_and_paid(&drafts.filter_map(|draft| draft.theirs).collect());
    judged.append(Judged {
        drafts: rest.drafts,
        expected: rest.expected,
        mains: Vec::new(),
        tallies: rest.tallies,
        owners: rest.owners,
    });
    Ok(judged)
}

impl CommissionGroup<'_> {
    /// Returns a tier without commissions.
    fn empty(tier: u32) -> Self {
        CommissionGroup {
            tier,
            is_cash: true,
            earned: &[],
            taken: &[],
        }
    }
}

impl Judged {
    fn append(&mut self, part: Judged) {
        self.drafts.extend(part.drafts);
        self.expected.extend(part.expected);
        self.mains.extend(part.mains);
        self.tallies.append(part.tallies);
        self.owners.extend(part.owners);
    }
}

/// Judges some of the cases.
struct Judge<'a> {
    books: &'a AuditData,
    matching: &'a Matching,
    terms: CommissionTerms<'a>,
    rules: &'a AuditRules,
    selection: &'a Selection,
    as_of: Timestamp,
    history: &'a SaleHistories,
    uppers: &'a UpperTiers,
    referrers: &'a Referrers<'a>,
    patterns: &'a SplitPatterns<'a>,
    guessed_plans: &'a GuessedPlans,
    drafts: Vec<FindingDraft>,
    expected: Vec<Expected>,
    tallies: Tallies,
    owners: HashMap<u32, (Code, Code)>,
    /// What each promoter has of the commission that is judged, where it is split.
    parts: Vec<(Code, i64)>,
    undone: Undone,
    /// Reversals that take back second commissions of the sale, not those that stand.
    of_extra: Vec<u32>,
    /// Reversals by hand that correct the commission of a sale to what is due.
    corrections: Vec<u32>,
}

impl<'a> Judge<'a> {
    fn cases(
        mut self,
        cases: Range<usize>,
        billed: &Grouped,
        commissions: &Grouped,
    ) -> Result<Judged, AuditError> {
        let (mut refunds, mut several) = (Vec::new(), Vec::new());
        let mut mains = Vec::with_capacity(cases.len());
        self.expected.reserve(cases.len());
        for case in cases {
            if !self
                .selection
                .has_case(u32::try_from(case).unwrap_or(u32::MAX))
            {
                mains.push(None);
                continue;
            }
            let rows = billed.rows(case);
            refunds.clear();
            refunds.extend(rows.iter().copied().filter(|row| self.ours(*row).is_refund));
            if refunds.len() > 1 {
                let id = |row: u32| self.books.billed.event_id.get(index(row));
                refunds.sort_by_key(|row| (self.ours(*row).created_ms, id(*row)));
            }
            let mut commissions = commissions.rows(case);
            if commissions.len() > 1 {
                // Nothing may depend on the order in which they were read.
                several.clear();
                several.extend_from_slice(commissions);
                several.sort_by(|one, other| self.books.in_order(*one, *other));
                commissions = &several;
            }
            let mut case = Case {
                sale: rows.iter().copied().find(|row| !self.ours(*row).is_refund),
                refunds: &refunds,
                commissions,
            };
            let undone = self.made_anew(&case);
            let standing: Vec<u32>;
            if !undone.is_empty() {
                let stands = |row: &u32| !undone.contains(row);
                standing = commissions.iter().copied().filter(stands).collect();
                case.commissions = &standing;
            }
            mains.push(self.main_of(&case));
            if !rows.is_empty() {
                self.case(&case)?;
            }
        }
        Ok(Judged {
            drafts: self.drafts,
            expected: self.expected,
            mains,
            tallies: self.tallies,
            owners: self.owners,
        })
    }

    fn case(&mut self, case: &Case<'_>) -> Result<(), AuditError> {
        let (drafts, expected) = (self.drafts.len(), self.expected.len());
        let (mut earned_first, mut first) = (false, None);
        if let [only] = case.commissions {
            let is_reversal = self.is_reversal(*only);
            let (earned, taken) = if is_reversal {
                (&[][..], case.commissions)
            } else {
                (case.commissions, &[][..])
            };
            let group = self.group(*only, earned, taken);
            earned_first = group.tier == 1 && self.is_judged(&group);
            first = self.judge_group(case, &group);
        } else if !case.commissions.is_empty() {
            let mut tiers = BTreeMap::new();
            for row in case.commissions {
                let unit = self.theirs(*row).unit;
                let key = (self.tier_of(case, *row), self.books.names.name(unit));
                let (earned, taken): &mut (Vec<u32>, Vec<u32>) = tiers.entry(key).or_default();
                if self.is_reversal(*row) {
                    taken.push(*row);
                } else {
                    earned.push(*row);
                }
            }
            for ((tier, _), (earned, taken)) in &tiers {
                let any = earned
                    .first()
                    .or(taken.first())
                    .copied()
                    .unwrap_or_default();
                let group = CommissionGroup {
                    tier: *tier,
                    ..self.group(any, earned, taken)
                };
                earned_first |= group.tier == 1 && self.is_judged(&group);
                first = first.or(self.judge_group(case, &group));
            }
        }
        if !earned_first {
            first = self.nothing_earned(case);
        }
        if case.sale.is_none() {
            self.tally_refunds_alone(case);
        }
        if let Some(first) = first {
            self.higher_tiers(case, first);
        }
        self.receivers(case);
        self.months(case);
        self.check(case, drafts, expected)
    }

    /// Returns the tier in which a commission is judged: of a reversal that of its promoter's commission, if no other one
    /// of the sale is his.
    fn tier_of(&self, case: &Case<'_>, row: u32) -> u32 {
        let theirs = *self.theirs(row);
        if !self.is_reversal(row) {
            return theirs.tier;
        }
        let earned = case
            .commissions
            .iter()
            .copied()
            .filter(|own| !self.is_reversal(*own));
        let his = earned.filter(|own| self.theirs(*own).promoter == theirs.promoter);
        let tiers: BTreeSet<u32> = his.map(|own| self.theirs(own).tier).collect();
        match (tiers.contains(&theirs.tier), tiers.len(), tiers.first()) {
            (false, 1, Some(tier)) if theirs.promoter != 0 => *tier,
            _ => theirs.tier,
        }
    }

    fn group<'c>(&self, row: u32, earned: &'c [u32], taken: &'c [u32]) -> CommissionGroup<'c> {
        let theirs = self.theirs(row);
        CommissionGroup {
            tier: theirs.tier,
            is_cash: theirs.is_cash,
            earned,
            taken,
        }
    }

    /// Returns `true` if a group says what a sale has earned: by a commission, or by a reversal that stands.
    fn is_judged(&self, group: &CommissionGroup<'_>) -> bool {
        !group.earned.is_empty() || self.live_reversal(group.taken).is_some()
    }

    /// Returns what a sale has earned in its first tier, or should have.
    fn judge_group(
        &mut self,
        case: &Case<'_>,
        group: &CommissionGroup<'_>,
    ) -> Option<EarnedCommission> {
        self.parts.clear();
        self.undone = Undone::default();
        self.of_extra.clear();
        self.corrections = self.corrections_of(case, group);
        self.of_extra.extend(&self.corrections);
        let kept = match (self.earned(case, group), case.sale) {
            (None, Some(sale)) => self.unearned(case, group, sale),
            (kept, _) => {
                self.judge_reversals(case, group, kept);
                kept
            }
        };
        kept.filter(|_| group.tier == 1)
    }

    fn main_of(&self, case: &Case<'_>) -> Option<u32> {
        let first = |row: &&u32| !self.is_reversal(**row) && self.theirs(**row).is_live();
        let mut commissions = case.commissions.iter();
        let main = commissions.find(first).or(case.commissions.first());
        main.copied()
    }

    /// Checks that the findings of a case add up to what is paid less what is expected.
    fn check(&self, case: &Case<'_>, drafts: usize, expected: usize) -> Result<(), AuditError> {
        let live = case
            .commissions
            .iter()
            .map(|row| self.theirs(*row))
            .filter(|theirs| theirs.is_live());
        let actual: i128 = live.map(|theirs| i128::from(theirs.amount_cents)).sum();
        let expected: i128 = self.expected[expected..]
            .iter()
            .map(|part| i128::from(part.cents))
            .sum();
        let found: i128 = self.drafts[drafts..]
            .iter()
            .map(|draft| i128::from(draft.difference_cents))
            .sum();
        if actual - expected == found {
            return Ok(());
        }
        let row = case.sale.or(case.refunds.first().copied());
        let event = row.and_then(|row| self.books.billed.event_id.get(index(row)));
        Err(AuditError::Unbalanced(format!(
            "`{}`: paid {actual}, expected {expected}, explained by findings {found} (in minor units)",
            event.unwrap_or_default()
        )))
    }

    /// Commissions for which nothing was billed; those of one event together.
    fn unmatched(&mut self, unmatched: &UnmatchedCommissions) {
        for rows in &unmatched.groups {
            if !self.selection.has_commission(rows[0]) {
                continue;
            }
            let amount_cents = self.sum(rows);
            let theirs = *self.theirs(rows[0]);
            if self.is_of_held(rows[0]) {
                for row in rows.iter().copied() {
                    let own = *self.theirs(row);
                    self.expect(row, own.promoter, None, own.amount_cents);
                    self.tallies
                        .add(UncheckedReason::EventHeld, own.unit, own.amount_cents);
                }
                continue;
            }
            let candidates = self.candidates(rows[0]);
            let (kind, message) = if theirs.is_reversal() {
                (
                    FindingKind::TakenBackTooMuch,
                    words::no_refund(rows.len(), &candidates),
                )
            } else {
                (
                    FindingKind::CommissionWithoutSale,
                    words::no_sale(rows.len(), &candidates),
                )
            };
            self.drafts.push(FindingDraft {
                kind,
                difference_cents: amount_cents,
                concerned_cents: 0,
                unit: theirs.unit,
                ours: None,
                theirs: Some(rows[0]),
                matched_by: None,
                expected_cents: Some(0),
                message,
                because: String::new(),
            });
        }
    }

    /// Returns `true` if a commission is for an event of ours that is held: it was billed, and nobody can compare it.
    fn is_of_held(&self, commission: u32) -> bool {
        let id = self.books.commissions.event_id.get(index(commission));
        let is_held = |id: &str| {
            let id: String = similar_id(id).collect();
            self.books.held_ids.contains(&id)
        };
        id.is_some_and(|id| is_held(id) || sale_of_running_total(id).is_some_and(is_held))
    }

    /// Returns `true` if a commission that can't be read names an event of ours, or a running total of refunds of its sale:
    /// it is there, and not missing. Counts the event.
    fn is_of_unread(&mut self, case: &Case<'_>, billed: u32) -> bool {
        let ours = *self.ours(billed);
        let [ids, totals] = &self.books.unread_ids;
        if ids.is_empty() {
            return false;
        }
        let has = |ids: &std::collections::HashSet<String>, row: u32| {
            let id = self.books.billed.event_id.get(index(row));
            id.is_some_and(|id| ids.contains(&similar_id(id).collect::<String>()))
        };
        let sale = case.sale.filter(|_| ours.is_refund);
        let is_named = has(ids, billed) || sale.is_some_and(|sale| has(totals, sale));
        if is_named {
            let reason = UncheckedReason::OfUnread;
            self.tallies.add(reason, ours.currency, ours.amount_cents);
        }
        is_named
    }

    /// Returns which of ours a commission that belongs to nothing may mean, with their places.
    fn candidates(&self, commission: u32) -> words::CommissionCandidates {
        let named = |rows: Option<&Vec<u32>>| {
            let rows = rows.into_iter().flatten();
            let mut named: Vec<String> = rows
                .map(|row| {
                    let billed = &self.books.billed;
                    let id = billed.event_id.get(index(*row)).unwrap_or_default();
                    format!("`{id}` ({})", billed.place(index(*row)))
                })
                .collect();
            named.sort_unstable();
            named
        };
        words::CommissionCandidates {
            near: named(self.matching.near.get(&commission)),
            alike: named(self.matching.alike.get(&commission)),
        }
    }

    /// Judges bonuses, for which no sale is expected: what is paid counts as right, and is reported.
    fn by_hand(&mut self) {
        for (row, billed) in (0..).zip(&self.matching.billed) {
            let theirs = *self.theirs(row);
            if billed.is_none()
                && theirs.is_by_hand
                && theirs.is_live()
                && self.selection.has_commission(row)
            {
                self.expect(row, theirs.promoter, None, theirs.amount_cents);
                let reason = if theirs.is_cash {
                    UncheckedReason::ByHand
                } else {
                    UncheckedReason::NotMoney
                };
                self.tallies.add(reason, theirs.unit, theirs.amount_cents);
            }
        }
    }

    /// Counts what is in no period because it has no date.
    fn undated(&mut self) {
        let (commissions, billed) = self.selection.undated();
        for row in commissions {
            let theirs = self.theirs(*row);
            let reason = UncheckedReason::Undated;
            self.tallies.add(reason, theirs.unit, theirs.amount_cents);
        }
        for row in billed {
            let ours = self.ours(*row);
            let reason = UncheckedReason::Undated;
            self.tallies.add(reason, ours.currency, ours.amount_cents);
        }
    }

    /// Commissions that fall in another month than what they are for: once for each sale and refund.
    fn months(&mut self, case: &Case<'_>) {
        if case.commissions.is_empty() {
            return;
        }
        for billed in case.sale.into_iter().chain(case.refunds.iter().copied()) {
            let ours = *self.ours(billed);
            if ours.month == 0 {
                continue;
            }
            let elsewhere = case.commissions.iter().copied().filter(|row| {
                let theirs = self.theirs(*row);
                let is_part = self.reason(*row) == Some(MatchReason::LinkedSale)
                    && ours.is_refund
                    && theirs.created_ms < ours.created_ms;
                theirs.is_live()
                    // An earlier part of a running total, which has the date of the last part.
                    && !is_part
                    // These may be some days apart: the user said so.
                    && self.reason(*row) != Some(MatchReason::CustomerAndAmount)
                    && self.is_for(*row, billed, case)
                    && theirs.month != 0
                    && theirs.month != ours.month
            });
            let rows: Vec<u32> = elsewhere.collect();
            let Some(first) = rows.first().copied() else {
                continue;
            };
            let amounts = rows.iter().map(|row| self.theirs(*row).amount_cents);
            let concerned_cents = amounts.fold(0, i64::saturating_add);
            let zone = &self.rules.zone;
            let message = words::other_month(ours.created_ms, self.theirs(first).created_ms, zone);
            let days = message.clone();
            let place = self.push(PairFinding {
                kind: FindingKind::OtherMonth,
                ours: billed,
                theirs: first,
                difference_cents: 0,
                concerned_cents,
                expected_cents: None,
                message,
            });
            self.because(place, days);
        }
    }

    /// Returns `true` if a commission is for this sale or refund, and not for another of its case.
    fn is_for(&self, commission: u32, billed: u32, case: &Case<'_>) -> bool {
        let matched = self.matched(commission);
        match (self.ours(billed).is_refund, self.is_reversal(commission)) {
            (false, false) => true,
            // What names the sale only may be for its only refund.
            (true, true) => {
                matched == Some(billed) || (matched == case.sale && case.refunds.len() == 1)
            }
            _ => false,
        }
    }

    /// Returns an amount as people write it.
    fn money(&self, cents: i64, unit: Code) -> String {
        money(
            cents.into(),
            self.books.names.name(unit).unwrap_or_default(),
        )
    }

    fn ours(&self, row: u32) -> &'a OurRow {
        let books: &'a AuditData = self.books;
        &books.ours[index(row)]
    }

    fn theirs(&self, row: u32) -> &'a TheirRow {
        let books: &'a AuditData = self.books;
        &books.theirs[index(row)]
    }

    /// Returns those of some commissions that stand.
    fn live<'r>(&self, rows: &'r [u32]) -> Cow<'r, [u32]> {
        let live = |row: &u32| self.theirs(*row).is_live();
        if rows.iter().all(live) {
            return Cow::Borrowed(rows);
        }
        rows.iter().copied().filter(live).collect()
    }

    /// Returns what some commissions come to.
    fn sum(&self, rows: &[u32]) -> i64 {
        let amounts = rows.iter().map(|row| self.theirs(*row).amount_cents);
        amounts.fold(0, i64::saturating_add)
    }

    /// Returns the row of ours to which a commission was matched.
    fn matched(&self, commission: u32) -> Option<u32> {
        self.matching.of_commission(commission).map(|(row, _)| row)
    }

    fn reason(&self, commission: u32) -> Option<MatchReason> {
        self.matching
            .of_commission(commission)
            .map(|(_, reason)| reason)
    }

    /// Returns `true` if a commission is a reversal, by its amounts or because it is for a refund.
    fn is_reversal(&self, commission: u32) -> bool {
        let by_id = [MatchReason::EventId, MatchReason::SimilarId];
        let for_refund = self
            .reason(commission)
            .is_some_and(|reason| by_id.contains(&reason))
            && self
                .matched(commission)
                .is_some_and(|row| self.ours(row).is_refund);
        for_refund || self.theirs(commission).is_reversal()
    }

    /// Returns the customer of a sale as a lead.
    fn lead(&self, row: u32) -> Option<LeadRow> {
        let lead = self.matching.lead.get(index(row)).copied().flatten();
        lead.map(|lead| self.books.leads[index(lead)])
    }

    /// Returns the promoter with the customer as a lead; 0 if that is unknown.
    fn lead_promoter(&self, row: u32) -> Code {
        self.lead(row).map_or(0, |lead| lead.promoter)
    }

    fn payment(&self, row: u32) -> PaymentTimes {
        self.history.payment(self.books, row)
    }

    /// Returns the commission of a sale (or of a part of one), in cents; `None` if the rate is unknown.
    fn worth(&mut self, deals: TermsKey, payment: PaymentTimes, cents: i64) -> Option<i64> {
        let paid = self.terms.pays(self.books, deals, payment)?;
        Some(self.terms.commission(paid.pays, cents))
    }

    /// Adds a finding about a commission and the sale or refund that it belongs to; returns its place.
    fn push(&mut self, found: PairFinding) -> usize {
        self.drafts.push(FindingDraft {
            kind: found.kind,
            difference_cents: found.difference_cents,
            concerned_cents: found.concerned_cents,
            unit: self.theirs(found.theirs).unit,
            ours: Some(found.ours),
            theirs: Some(found.theirs),
            matched_by: self.reason(found.theirs),
            expected_cents: found.expected_cents,
            message: found.message,
            because: String::new(),
        });
        self.drafts.len() - 1
    }

    /// Notes what else makes a finding another one than before.
    fn because(&mut self, place: usize, because: String) {
        if let Some(draft) = self.drafts.get_mut(place) {
            draft.because = because;
        }
    }

    /// Adds the expected commission of a commission, under its head.
    fn expect(&mut self, theirs: u32, promoter: Code, billed: Option<u32>, cents: i64) {
        let row = *self.theirs(theirs);
        let ours = billed.map(|billed| *self.ours(billed));
        let plan = ours.map_or(0, |ours| ours.plan);
        let head = TotalKey {
            promoter,
            campaign: row.campaign,
            plan: if plan == 0 { row.plan } else { plan },
            month: ours.map_or(row.month, |ours| ours.month),
            unit: row.unit,
            status: Some(row.status),
        };
        self.expected.push(Expected { head, cents });
    }

    /// Adds the expected commission of a sale or refund that has none.
    fn expect_unpaid(&mut self, billed: u32, deals: TermsKey, unit: Code, cents: i64) {
        let head = TotalKey {
            promoter: deals.promoter,
            campaign: deals.campaign,
            plan: deals.plan,
            month: self.ours(billed).month,
            unit,
            status: None,
        };
        self.expected.push(Expected { head, cents });
    }
}

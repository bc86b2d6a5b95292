//! Compares the refunds of an undo with what the account has: others may have refunded the sales, changed their amounts,
//! or denied or paid their commissions.
//!
//! A refund of the account names no sale. It is one of a sale if the journal or its id says so, or if its customer has
//! one sale that it can reverse. Where several could be meant, those of the run are held.

use std::collections::{BTreeMap, HashMap};

use super::{UndoPlan, UndoRefund};
use crate::event::{
    Currency, Decimals, Event, EventKey, KeyMap, Kind, Money, Text, in_units,
    sale_of_running_total, undone_sale,
};
use crate::journal::{
    AccountCheck, JournalError, JournalReader, Outcome, PaidCommission, RunRecord,
};
use crate::tracking::{CASH, DENIED, ListedCommission};

const NOT_THERE: &str =
    "the account's list of commissions does not have it: it may have been deleted in FirstPromoter";

/// Holds the list of the account's commissions, as far as an undo needs it.
#[derive(Debug, Default)]
pub(crate) struct AccountLines {
    /// The sales that are to be undone, by their keys.
    own: KeyMap<OwnSale>,
    sales: Vec<AccountLine>,
    refunds: Vec<AccountLine>,
    seen_sales: KeyMap<()>,
    seen_refunds: KeyMap<()>,
    /// The number of commissions that were read.
    pub(crate) commissions: u64,
    /// The number of requests that it took.
    pub(crate) requests: u64,
}

/// Holds what the account has of a sale that is to be undone.
#[derive(Debug, Default)]
struct OwnSale {
    /// `None` if the list does not have it.
    line: Option<AccountLine>,
    is_denied: bool,
    commissions: Vec<ListedCommission>,
}

/// Holds a sale or a refund of the account.
#[derive(Clone, Debug)]
struct AccountLine {
    event_id: Option<Text>,
    email: Option<Text>,
    uid: Option<Text>,
    promoter_id: Option<Text>,
    /// The amount in the account's currency, positive for refunds too; `None` if it is not known.
    cents: Option<i64>,
    /// The amount as it was sent and its currency, if that was another one.
    original: Option<(i64, Text)>,
}

impl AccountLine {
    fn new(line: &ListedCommission) -> Self {
        let text = |text: &Option<String>| text.as_deref().map(Text::new);
        AccountLine {
            event_id: text(&line.event_id),
            email: line.email.as_deref().map(Text::from_str_to_lowercase),
            uid: text(&line.uid),
            promoter_id: text(&line.promoter.id),
            cents: line.sale_amount.map(i64::saturating_abs),
            original: line
                .original_sale
                .as_ref()
                .map(|(cents, currency)| (cents.saturating_abs(), Text::new(currency))),
        }
    }

    fn key(&self) -> Option<EventKey> {
        self.event_id.as_deref().map(EventKey::from_id)
    }

    fn is_without_lead(&self) -> bool {
        self.email.is_none() && self.uid.is_none()
    }

    /// Returns what the account calls it, in words.
    fn in_words(&self, currency: Currency) -> String {
        let id = match &self.event_id {
            Some(id) => format!("the refund `{id}`"),
            None => "a refund without an id".to_owned(),
        };
        match self.cents {
            Some(cents) => format!("{id}, {}", in_units(cents.into(), currency)),
            None => id,
        }
    }
}

impl AccountLines {
    /// Returns no lines yet, for undos with these plans.
    pub(crate) fn new<'p>(plans: impl IntoIterator<Item = &'p UndoPlan>) -> Self {
        let own = plans.into_iter().flat_map(|plan| &plan.to_send);
        AccountLines {
            own: own
                .map(|undo| (undo.sale_key(), OwnSale::default()))
                .collect(),
            ..AccountLines::default()
        }
    }

    /// Returns `true` if the account has a refund with this key.
    pub(crate) fn has_refund(&self, key: EventKey) -> bool {
        self.seen_refunds.contains_key(&key)
    }

    /// Removes all lines.
    pub(crate) fn clear(&mut self) {
        let own = std::mem::take(&mut self.own).into_keys();
        *self = AccountLines {
            own: own.map(|key| (key, OwnSale::default())).collect(),
            ..AccountLines::default()
        };
    }

    /// Adds a line of the list.
    pub(crate) fn add(&mut self, line: &ListedCommission) {
        self.commissions += 1;
        if line.is_by_hand {
            return;
        }
        let key = line.event_id.as_deref().map(EventKey::from_id);
        let is_less = |cents: Option<i64>| cents.is_some_and(|cents| cents < 0);
        let is_refund =
            is_less(line.sale_amount) || line.sale_amount.is_none() && is_less(line.amount);
        if let Some(own) = key.and_then(|key| self.own.get_mut(&key))
            && !is_refund
        {
            own.is_denied |= line.status == DENIED;
            own.commissions.push(line.clone());
            own.line.get_or_insert_with(|| AccountLine::new(line));
        }
        // A sale has a commission for each tier, and for each promoter who shares it. A refund may have the id of its sale.
        let seen = if is_refund {
            &mut self.seen_refunds
        } else {
            &mut self.seen_sales
        };
        let is_again = key.is_some_and(|key| seen.insert(key, ()).is_some());
        if is_again || line.tier > 1 {
            return;
        }
        if is_refund {
            self.refunds.push(AccountLine::new(line));
        } else if line.sale_amount.is_some_and(|cents| cents > 0) {
            self.sales.push(AccountLine::new(line));
        }
    }
}

/// Describes the account whose list it is.
#[derive(Clone, Debug)]
pub(crate) struct AccountUnits {
    /// The currency of the account.
    pub(crate) currency: Currency,
    /// The decimals that the API takes.
    pub(crate) decimals: Decimals,
}

/// Adds up the commissions of one promoter that are marked as paid, of sales that are to be undone.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct PaidToPromoter {
    /// The email of the promoter, if it is known.
    pub(crate) promoter_email: Option<String>,
    /// The referral id of the promoter, if it is known.
    pub(crate) promoter_ref_id: Option<String>,
    /// The number of commissions.
    pub(crate) commissions: u64,
    /// Their sum in minor units of the account's currency.
    pub(crate) commission_cents: i64,
}

/// Identifies a promoter by the email and the referral id.
pub(crate) type PromoterKey = (Option<String>, Option<String>);

/// Adds up commissions by promoter.
#[derive(Default)]
pub(crate) struct PaidSums(BTreeMap<PromoterKey, (u64, i64)>);

impl PaidSums {
    /// Adds a commission in minor units of the account's currency.
    pub(crate) fn add(&mut self, promoter: PromoterKey, cents: i64) {
        let sum = self.0.entry(promoter).or_default();
        sum.0 += 1;
        sum.1 = sum.1.saturating_add(cents);
    }

    /// Returns the sums of the promoters.
    pub(crate) fn all(self) -> Vec<PaidToPromoter> {
        let all = self.0.into_iter();
        all.map(|((email, ref_id), (commissions, cents))| PaidToPromoter {
            promoter_email: email,
            promoter_ref_id: ref_id,
            commissions,
            commission_cents: cents,
        })
        .collect()
    }
}

/// Says what is left of a sale in the account.
enum RemainingInAccount {
    /// All but so many cents, which others have refunded.
    AllBut(i64),
    /// Nothing: others have refunded all of it.
    Nothing(i64),
    /// That is not known, for this reason.
    Unknown(String),
}

impl UndoPlan {
    /// Subtracts what others have refunded, and holds what the account has otherwise than the journal.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn compare_with_account(
        &mut self,
        lines: &AccountLines,
        units: &AccountUnits,
        journal: &JournalReader,
        run: &RunRecord,
    ) -> Result<(), JournalError> {
        let books = AccountBooks::new(lines, units, journal)?;
        let mut check = AccountCheck {
            commissions: lines.commissions,
            requests: lines.requests,
            ..AccountCheck::default()
        };
        let mut held = Vec::new();
        for mut undo in std::mem::take(&mut self.to_send) {
            // It arrived after all, and only its answer is missing.
            if let Some(earlier) = undo
                .replaces
                .filter(|_| lines.has_refund(undo.refund.key()))
            {
                self.open.push(earlier);
                continue;
            }
            let left = books.left(&undo);
            if let RemainingInAccount::AllBut(cents @ 1..) | RemainingInAccount::Nothing(cents) =
                left
            {
                let money = Money {
                    amount_cents: cents,
                    currency: units.currency,
                };
                check.refunded_by_others.add(Kind::Refund, Some(money));
            }
            match left {
                RemainingInAccount::AllBut(cents) => {
                    undo.subtract(cents, units.currency);
                    self.to_send.push(undo);
                }
                RemainingInAccount::Nothing(cents) => {
                    self.refunded_by_others.push((undo.sale, cents));
                    self.refunded.add(Kind::Sale, undo.sent);
                    self.open.extend(undo.replaces);
                }
                RemainingInAccount::Unknown(reason) => held.push(undo.held(&reason)),
            }
        }
        let problems: Vec<_> = held
            .iter()
            .map(|own| super::held_problem(own, run))
            .collect();
        self.problems.extend(problems);
        self.held.extend(held);
        self.account = Some(check);
        Ok(())
    }

    /// Adds up the commissions of the sales to undo that are marked as paid: as the account's list says, where it was
    /// read, or by requests of this journal.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn find_paid(
        &mut self,
        lines: Option<&AccountLines>,
        journal: &JournalReader,
    ) -> Result<(), JournalError> {
        let marked = journal.paid_commissions()?;
        let mut by_event: HashMap<_, Vec<&PaidCommission>> = HashMap::new();
        for paid in marked.values() {
            by_event.entry(paid.event).or_default().push(paid);
        }
        let mut sums = PaidSums::default();
        for undo in &mut self.to_send {
            let own = lines.and_then(|lines| lines.own.get(&undo.sale_key()));
            for line in own.map_or(&[][..], |own| &own.commissions) {
                let is_paid = line.is_paid == Some(true) || marked.contains_key(&line.id);
                if is_paid && line.unit == CASH {
                    let promoter = (line.promoter.email.clone(), line.promoter.ref_id.clone());
                    sums.add(promoter, line.amount.unwrap_or(0));
                    undo.is_paid = true;
                }
            }
            if own.is_none() {
                for paid in by_event.get(&undo.sale).into_iter().flatten() {
                    sums.add(undo.promoter.clone(), paid.amount_cents);
                    undo.is_paid = true;
                }
            }
        }
        self.paid = sums.all();
        Ok(())
    }
}

impl UndoRefund {
    fn sale_key(&self) -> EventKey {
        EventKey::from_id(self.refund.sale_event_id.as_deref().unwrap_or_default())
    }

    /// Refunds less, by what others have refunded in the account's currency.
    fn subtract(&mut self, cents: i64, currency: Currency) {
        let Some(money) = self.refund.money.as_mut().filter(|_| cents > 0) else {
            return;
        };
        let before = money.amount_cents;
        money.amount_cents -= cents;
        let left = i128::from(money.amount_cents);
        let share = |whole: i64| {
            let part = i128::from(whole) * left / i128::from(before.max(1));
            i64::try_from(part).unwrap_or(whole)
        };
        self.refund.gross_cents = self.refund.gross_cents.map(share);
        let others = in_units(cents.into(), currency);
        self.refund
            .remark(&format!("others have refunded {others} of the sale"));
    }

    /// Returns the refund as one that is held.
    fn held(self, reason: &str) -> Event {
        let mut refund = self.refund;
        refund.money = self.sent;
        refund.original = None;
        refund.gross_cents = None;
        refund.created_at = None;
        refund.note = Text::default();
        refund.remark(reason);
        refund
    }
}

/// Finds out which refunds of the account are of which sales.
struct AccountBooks<'l> {
    lines: &'l AccountLines,
    units: &'l AccountUnits,
    /// The amounts of the refunds that this journal has tracked, by their keys.
    tracked: KeyMap<Option<Money>>,
    /// The refunds of the account that have an id, by their keys.
    by_key: KeyMap<&'l AccountLine>,
    /// The sales of the account, by everything that identifies their customers.
    sales: LinesByLead<'l>,
    /// The refunds of the account, likewise.
    refunds: LinesByLead<'l>,
    /// What others have refunded of a sale for certain, by the key of the sale.
    sure: KeyMap<Vec<&'l AccountLine>>,
    /// The first refund that may be of a sale or of another one, by the key of the sale.
    doubts: KeyMap<&'l AccountLine>,
    /// The keys of the refunds of the sales that are tracked, by the key of the sale.
    own_refunds: KeyMap<Vec<EventKey>>,
}

impl<'l> AccountBooks<'l> {
    fn new(
        lines: &'l AccountLines,
        units: &'l AccountUnits,
        journal: &JournalReader,
    ) -> Result<Self, JournalError> {
        let mut books = AccountBooks {
            lines,
            units,
            tracked: KeyMap::default(),
            by_key: lines
                .refunds
                .iter()
                .filter_map(|line| Some((line.key()?, line)))
                .collect(),
            sales: LinesByLead::new(&lines.sales),
            refunds: LinesByLead::new(&lines.refunds),
            sure: KeyMap::default(),
            doubts: KeyMap::default(),
            own_refunds: KeyMap::default(),
        };
        let mut named: KeyMap<EventKey> = KeyMap::default();
        journal.for_each_refund(|refund| {
            let event = &refund.event;
            let Some(sale) = event.sale_event_id.as_deref().map(EventKey::from_id) else {
                return;
            };
            if refund.outcome.is_some_and(Outcome::is_tracked) {
                books.tracked.insert(event.key(), event.money);
                books.own_refunds.entry(sale).or_default().push(event.key());
            } else {
                named.insert(event.key(), sale);
            }
        })?;
        for refund in &lines.refunds {
            books.assign(refund, &named);
        }
        Ok(books)
    }

    /// Finds the sales that a refund of the account may be of, unless this journal has tracked it.
    fn assign(&mut self, refund: &'l AccountLine, named: &KeyMap<EventKey>) {
        let key = refund.key();
        if key.is_some_and(|key| self.tracked.contains_key(&key)) {
            return;
        }
        let by_journal = key.and_then(|key| named.get(&key).copied());
        let by_id = || self.named_by_id(refund.event_id.as_deref()?);
        if let Some(sale) = by_journal.or_else(by_id) {
            self.sure.entry(sale).or_default().push(refund);
            return;
        }
        let can_reverse = |sale: &&AccountLine| match (sale.cents, refund.cents) {
            (Some(sale), Some(refund)) => refund <= sale,
            _ => true,
        };
        if refund.is_without_lead() {
            let own = self
                .lines
                .own
                .values()
                .filter_map(|own| own.line.as_ref())
                .filter(|sale| {
                    refund.promoter_id.is_none() || sale.promoter_id == refund.promoter_id
                });
            for sale in own.filter(can_reverse).filter_map(AccountLine::key) {
                self.doubts.entry(sale).or_insert(refund);
            }
            return;
        }
        let of_lead = self.sales.of_lead(refund);
        let fitting: Vec<&AccountLine> = of_lead.iter().copied().filter(can_reverse).collect();
        match &fitting[..] {
            [sale] => {
                if let Some(sale) = sale.key() {
                    self.sure.entry(sale).or_default().push(refund);
                }
            }
            [] => self.doubt(&of_lead, refund),
            several => self.doubt(several, refund),
        }
    }

    fn doubt(&mut self, sales: &[&AccountLine], refund: &'l AccountLine) {
        for sale in sales.iter().filter_map(|sale| sale.key()) {
            self.doubts.entry(sale).or_insert(refund);
        }
    }

    /// Returns the sale that the id of a refund names, in the form that this program gives it, or as its own.
    fn named_by_id(&self, id: &str) -> Option<EventKey> {
        let key = EventKey::from_id(id);
        if self.lines.own.contains_key(&key) {
            return Some(key);
        }
        let sale = undone_sale(id).or_else(|| sale_of_running_total(id))?;
        let key = EventKey::from_id(sale);
        self.lines.own.contains_key(&key).then_some(key)
    }

    /// Returns what is left of a sale.
    fn left(&self, undo: &UndoRefund) -> RemainingInAccount {
        let key = undo.sale_key();
        let Some((line, own)) = self
            .lines
            .own
            .get(&key)
            .and_then(|own| Some((own.line.as_ref()?, own)))
        else {
            return if undo.can_have_commission {
                RemainingInAccount::Unknown(NOT_THERE.to_owned())
            } else {
                RemainingInAccount::AllBut(0)
            };
        };
        if own.is_denied {
            return RemainingInAccount::Unknown("its commission was denied in FirstPromoter, so that a refund would take from the promoter what was never earned".to_owned());
        }
        if let Some(reason) = self.other_amount(line, undo.sent, "it") {
            return RemainingInAccount::Unknown(reason);
        }
        if let Some(reason) = self.other_refund(key) {
            return RemainingInAccount::Unknown(reason);
        }
        let sure = self.sure.get(&key).map_or(&[][..], Vec::as_slice);
        let cents: Option<Vec<i64>> = sure.iter().map(|refund| refund.cents).collect();
        let Some(cents) = cents else {
            return RemainingInAccount::Unknown(
                "others have refunded it, and the account's list does not say by how much"
                    .to_owned(),
            );
        };
        let theirs = cents.into_iter().fold(0, i64::saturating_add);
        self.less(undo, line, theirs)
    }

    /// Returns what is left of a sale of which others have refunded so much for certain.
    fn less(&self, undo: &UndoRefund, line: &AccountLine, theirs: i64) -> RemainingInAccount {
        let currency = self.units.currency;
        let Some(money) = undo.refund.money else {
            return RemainingInAccount::AllBut(0);
        };
        if theirs > 0 && line.cents.is_some_and(|cents| theirs >= cents) {
            return RemainingInAccount::Nothing(theirs);
        }
        let is_plain = money.currency == currency
            && self.units.decimals.sent(money) == money.amount_cents
            && undo.refund.original.is_none();
        if theirs > 0 && is_plain && theirs >= money.amount_cents {
            return RemainingInAccount::Nothing(theirs);
        }
        if let Some(refund) = self.doubts.get(&undo.sale_key()) {
            if self.is_lead_refunded(line) {
                return RemainingInAccount::Nothing(line.cents.unwrap_or(0));
            }
            return RemainingInAccount::Unknown(format!(
                "the account has {} of this customer that this journal has not sent, and FirstPromoter does not say which sale they reverse",
                refund.in_words(currency)
            ));
        }
        if theirs > 0 && !is_plain {
            return RemainingInAccount::Unknown(format!(
                "others have refunded {} of it, which can't be subtracted: it was sent in another currency, or converted",
                in_units(theirs.into(), currency)
            ));
        }
        RemainingInAccount::AllBut(theirs)
    }

    /// Returns `true` if all sales of a customer are refunded, whoever did that.
    fn is_lead_refunded(&self, of: &AccountLine) -> bool {
        let sum = |lines: Vec<&AccountLine>| {
            let cents = lines.into_iter().map(|line| line.cents.map(i128::from));
            cents.sum::<Option<i128>>()
        };
        let (sold, refunded) = (sum(self.sales.of_lead(of)), sum(self.refunds.of_lead(of)));
        sold.zip(refunded)
            .is_some_and(|(sold, refunded)| refunded >= sold)
    }

    /// Returns how the account has another amount of an event than it was sent, if it has.
    fn other_amount(&self, line: &AccountLine, sent: Option<Money>, what: &str) -> Option<String> {
        let sent = sent?;
        let cents = self.units.decimals.sent(sent);
        let (theirs, currency) = if sent.currency == self.units.currency {
            (line.cents?, self.units.currency)
        } else {
            let (theirs, currency) = line.original.as_ref()?;
            (*theirs, Currency::from_code(currency)?)
        };
        let is_same = theirs == cents && currency == sent.currency;
        (!is_same).then(|| {
            format!(
                "FirstPromoter has {what} with {}, and {} were sent",
                in_units(theirs.into(), currency),
                in_units(cents.into(), sent.currency)
            )
        })
    }

    /// Returns how the account has another amount of a refund of a sale than this journal has tracked, if it has.
    fn other_refund(&self, sale: EventKey) -> Option<String> {
        self.own_refunds.get(&sale)?.iter().find_map(|key| {
            let line = self.by_key.get(key)?;
            let id = line.event_id.as_deref()?;
            self.other_amount(line, self.tracked[key], &format!("its refund `{id}`"))
        })
    }
}

/// Holds lines by everything that identifies their customers.
struct LinesByLead<'l> {
    lines: &'l [AccountLine],
    by_email: HashMap<&'l str, Vec<usize>>,
    by_uid: HashMap<&'l str, Vec<usize>>,
}

impl<'l> LinesByLead<'l> {
    fn new(lines: &'l [AccountLine]) -> Self {
        let mut index = LinesByLead {
            lines,
            by_email: HashMap::new(),
            by_uid: HashMap::new(),
        };
        for (place, line) in lines.iter().enumerate() {
            if let Some(email) = &line.email {
                index.by_email.entry(email).or_default().push(place);
            }
            if let Some(uid) = &line.uid {
                index.by_uid.entry(uid).or_default().push(place);
            }
        }
        index
    }

    /// Returns the lines of the customer of a line, by the email or the uid.
    fn of_lead(&self, of: &AccountLine) -> Vec<&'l AccountLine> {
        let by_email = of
            .email
            .as_deref()
            .and_then(|email| self.by_email.get(email));
        let by_uid = of.uid.as_deref().and_then(|uid| self.by_uid.get(uid));
        let mut places: Vec<usize> = [by_email, by_uid]
            .into_iter()
            .flatten()
            .flatten()
            .copied()
            .collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().map(|place| &self.lines[place]).collect()
    }
}

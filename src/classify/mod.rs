//! Decides which events a row is, or why it is not an event.
//!
//! A [`Classifier`] is one profile bound to one export's header. It is pure: the same row gives
//! the same answer, and nothing is guessed. Every row ends in exactly one of three ways: with
//! events, ignored for a reason that the profile names, or rejected for a reason that a person can
//! fix.

mod amounts;
mod cell;
mod commission;
mod conditions;
mod dates;
mod email;
mod ids;
mod last_cell;
mod matched;
mod order_tax;
mod overview;
mod row_amount;
mod taxes;
mod typed;
mod words;

use self::amounts::SeenSign;
pub(crate) use commission::{CommissionOutcome, CommissionRow, CommissionStatus};
pub(crate) use last_cell::EndOfFile;
pub(crate) use matched::MatchedRule;
pub(crate) use row_amount::RowAmount;

use std::cell::{Cell, OnceCell, RefCell};

use self::overview::Overview;
use crate::event::{
    AmountFormat, Currency, Customer, DetailSlot, Details, Event, ExportLine, Kind, Text,
    running_total_refund_id,
};
use crate::export::Row;
use crate::problem::{Problem, ProblemCode};
use crate::profile::{
    Binding, ColumnIndex, Continuation, CustomerColumns, EventRule, IgnoreRule, Profile, RemarkRule,
};

/// The reason why a row without email and uid is ignored, whatever else it contains.
const NO_CUSTOMER: &str = "no email and no customer id";

/// The reason why an empty row is ignored.
pub(crate) const BLANK: &str = "a blank line";

/// The reason why a row that belongs to the one above is not an event of its own.
const CONTINUES: &str = "continues the row above";

/// The result of reading a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RowOutcome {
    /// Its events were added to the list.
    Events,
    /// The row is not an event, for this reason.
    Ignored(String),
    /// The row can't be read; the problem says why, and nothing of the row was added.
    Rejected(Problem),
}

/// Describes an ignored row that says that nothing was paid, or that money went back.
#[derive(Clone, Debug)]
pub(crate) struct UnpaidRow<'p> {
    /// The ids of the sale that the row would be.
    pub(crate) sale: Option<SaleIds>,
    /// The ids of the refunds that the row would be.
    pub(crate) refunds: Vec<Text>,
    /// The reason why the row is ignored.
    pub(crate) reason: &'p str,
    /// `true` if nothing was paid, as the row says.
    pub(crate) is_not_paid: bool,
    /// `true` if the row has a total of what was refunded.
    pub(crate) is_refunded: bool,
}

/// Holds the ids of a sale.
#[derive(Clone, Debug)]
pub(crate) struct SaleIds {
    /// The id that it may share with others.
    pub(crate) shared: Text,
    /// The id that distinguishes it from them.
    pub(crate) own: Text,
}

/// A profile bound to the header of one export.
pub(crate) struct Classifier<'p> {
    profile: &'p Profile,
    binding: Binding,
    header: &'p [String],
    account_currency: Currency,
    /// The currency code that was read last, with its currency: most exports have one currency, and
    /// looking up a code is the most expensive step of reading a cell.
    last_currency: Cell<Option<([u8; 3], Currency)>>,
    overview: Overview,
    /// The format of amounts with the profile's other decimal separator.
    other_format: Option<AmountFormat>,
    /// `true` if the export uses the other separator; `None` until an amount has decided it.
    has_other_format: Cell<Option<bool>>,
    /// The placement of the tax in the orders of the export.
    shop: Cell<order_tax::Shop>,
    /// The rule by which the last row is ignored.
    ignored_by: Cell<Option<&'p IgnoreRule>>,
    /// The sign of an amount of the last row that may be written with either.
    seen_sign: Cell<Option<SeenSign>>,
    /// The identifying columns of the last row that does not continue another one.
    first_row: RefCell<Vec<String>>,
    typed_columns: OnceCell<typed::TypedColumns>,
    /// The column of the profile that stands last in the export.
    last_column: Option<ColumnIndex>,
    last_cells: last_cell::LastColumn,
}

impl<'p> Classifier<'p> {
    /// Creates a classifier for the rows below `header`, in which `binding` found the profile's
    /// columns.
    ///
    /// `account_currency` is the currency of amounts for which neither the export nor the profile
    /// has one.
    pub(crate) fn new(
        profile: &'p Profile,
        binding: Binding,
        header: &'p [String],
        account_currency: Currency,
    ) -> Self {
        let mut columns = 0..profile.columns.len();
        let last = header.len().checked_sub(1);
        let last_column =
            columns.find(|&column| last.is_some() && binding.position(column) == last);
        Classifier {
            last_column,
            last_cells: last_cell::LastColumn::default(),
            profile,
            binding,
            header,
            account_currency,
            last_currency: Cell::new(None),
            overview: Overview::default(),
            other_format: profile.amount_format.other(),
            has_other_format: Cell::new(None),
            shop: Cell::new(order_tax::Shop::default()),
            ignored_by: Cell::new(None),
            seen_sign: Cell::new(None),
            first_row: RefCell::new(Vec::new()),
            typed_columns: OnceCell::new(),
        }
    }

    /// Reads one row: adds its events to `events` and what a person should know to `warnings`.
    ///
    /// Problems name column and value; the caller adds file and line.
    pub(crate) fn classify(
        &self,
        row: &Row,
        source: ExportLine,
        events: &mut Vec<Event>,
        warnings: &mut Vec<Problem>,
    ) -> RowOutcome {
        let before = (events.len(), warnings.len());
        self.ignored_by.set(None);
        match self.try_row(row, source, events, warnings) {
            Ok(outcome) => outcome,
            Err(problem) => {
                events.truncate(before.0);
                warnings.truncate(before.1);
                RowOutcome::Rejected(*problem)
            }
        }
    }

    /// Ignores a row with the sum of the others that names no customer or that the profile ignores, and refuses any other.
    fn sum_row(&self, row: &Row, column: ColumnIndex) -> Result<RowOutcome, Box<Problem>> {
        if let Ok(Some(rule)) = self.matching_ignore(row) {
            return Ok(RowOutcome::Ignored(rule.reason.clone()));
        }
        match self.customer(self.profile.customer, row) {
            Ok(customer) if customer.is_unknown() => Ok(RowOutcome::Ignored(ids::SUM.to_owned())),
            _ => Err(Box::new(self.sum_of_others(row, column))),
        }
    }

    /// Returns the cell in the column to which the profile gives this name.
    pub(crate) fn cell_named<'r>(&self, row: &'r Row, name: &str) -> Option<&'r str> {
        let mut columns = self.profile.columns.iter();
        let column = columns.position(|column| column.name == name)?;
        Some(self.text(row, column))
    }

    /// Returns the sale or the refunds of an ignored row that says that nothing was paid, or that money went back. A
    /// row with an amount of zero says so, too. `row` is the row that was classified last.
    pub(crate) fn unpaid_row(&self, row: &Row) -> Option<UnpaidRow<'p>> {
        let rule = match self.ignored_by.take() {
            Some(rule) => rule,
            // It is ignored for another reason, such as a word of the user's, and a rule may say more of it.
            None => self.matching_ignore(row).ok()??,
        };
        let is_refunded = self.has_refunded_total(row);
        let is_not_paid = rule.is_not_paid || rule.is_for_zero(|column| self.is_amount(column));
        if !is_not_paid && !is_refunded {
            return None;
        }
        let mut events = self.profile.events.iter();
        let sale = events
            .find(|event| event.kind == Kind::Sale)
            .and_then(|sale| self.ids_of_sale(sale, row));
        let refunds = if is_not_paid {
            self.ids_of_refunds(row)
        } else {
            Vec::new()
        };
        (sale.is_some() || !refunds.is_empty()).then_some(UnpaidRow {
            sale,
            refunds,
            reason: &rule.reason,
            is_not_paid,
            is_refunded,
        })
    }

    /// Returns `true` if a column has the amount of sales, or of refunds with rows of their own.
    fn is_amount(&self, column: ColumnIndex) -> bool {
        let mut rules = self
            .profile
            .events
            .iter()
            .filter(|rule| !rule.is_running_total);
        rules.any(|rule| {
            rule.amount
                .as_ref()
                .is_some_and(|amount| amount.column == column)
        })
    }

    /// Returns the ids that a row would have as a sale. Several attempts to pay an invoice share its id, and only
    /// one of them is the payment.
    fn ids_of_sale(&self, sale: &EventRule, row: &Row) -> Option<SaleIds> {
        let (first, last) = (sale.event_id.first()?, sale.event_id.last()?);
        let own = self.first_id(std::slice::from_ref(last), row).ok()??;
        let shared = self.first_id(std::slice::from_ref(first), row).ok()?;
        Some(SaleIds {
            shared: shared.unwrap_or_else(|| own.clone()),
            own,
        })
    }

    /// Returns the ids that a row would have as a refund with a row of its own.
    fn ids_of_refunds(&self, row: &Row) -> Vec<Text> {
        let rules = self.profile.events.iter();
        let refunds = rules.filter(|rule| rule.kind == Kind::Refund && !rule.is_running_total);
        let mut ids: Vec<Text> = refunds
            .filter_map(|rule| self.first_id(&rule.event_id, row).ok()?)
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Returns why a person has to look at an event that was just read before it is sent, if the profile says so.
    pub(crate) fn reason_to_hold(&self, event: &Event) -> Option<&'p str> {
        let mut rules = self.profile.events.iter();
        rules.find_map(|rule| {
            let reason = rule.hold.as_deref()?;
            let is_said = event.note.split("; ").any(|note| note == reason);
            (rule.kind == event.kind && is_said).then_some(reason)
        })
    }

    /// Returns `true` if the row has a total of what was refunded of its sale.
    fn has_refunded_total(&self, row: &Row) -> bool {
        let mut events = self.profile.events.iter();
        events
            .any(|rule| rule.is_running_total && matches!(self.is_for(&rule.scope, row), Ok(true)))
    }

    /// Returns the subscription of the row and its plan, also for rows that are ignored or
    /// rejected.
    pub(crate) fn subscription<'r>(&self, row: &'r Row) -> Option<(&'r str, &'r str)> {
        let columns = self.profile.subscription?;
        let (id, plan) = (self.text(row, columns.id), self.text(row, columns.plan));
        (!id.is_empty() && !plan.is_empty()).then_some((id, plan))
    }

    /// Adds the events of a row; returns the problem of a row that can't be read.
    fn try_row(
        &self,
        row: &Row,
        source: ExportLine,
        events: &mut Vec<Event>,
        warnings: &mut Vec<Problem>,
    ) -> Result<RowOutcome, Box<Problem>> {
        if is_blank(row) {
            return Ok(RowOutcome::Ignored(BLANK.to_owned()));
        }
        self.check_width(row)?;
        self.check_last_cell(row)?;
        self.check_cells(row)?;
        if let Some(rows) = &self.profile.continuation
            && self.continues(rows, row)?
        {
            return Ok(RowOutcome::Ignored(CONTINUES.to_owned()));
        }
        if let Some(column) = self.column_of_sum(row) {
            return self.sum_row(row, column);
        }
        self.check_known(row)?;
        if let Some(reason) = self.ignored(row, warnings)? {
            return Ok(RowOutcome::Ignored(reason.to_owned()));
        }
        let customer = self.customer(self.profile.customer, row)?;
        // A refund has the customer of its sale, and another event may name its own.
        let may_do_without =
            |rule: &EventRule| rule.customer.is_some() || rule.kind == Kind::Refund;
        if customer.is_unknown() && !self.profile.events.iter().any(may_do_without) {
            return Ok(no_customer(warnings));
        }
        self.check_totals(row)?;
        self.check_remarks(row, warnings)?;
        let before = events.len();
        let mut is_named = self.profile.known.is_empty();
        for rule in &self.profile.events {
            if self.is_for(&rule.scope, row)? {
                is_named |= rule.names.len() == self.profile.known.len();
                let own = rule
                    .customer
                    .map(|columns| self.customer(columns, row))
                    .transpose()?;
                let customer = own.as_ref().unwrap_or(&customer);
                if customer.is_unknown() && rule.kind != Kind::Refund {
                    events.truncate(before);
                    return Ok(no_customer(warnings));
                }
                self.event(rule, customer, row, source, events)?;
            }
        }
        self.note_zero_totals(&mut events[before..]);
        if !is_named {
            self.check_named(row)?;
        }
        if events.len() == before {
            return Err(Box::new(self.without_rule(row)));
        }
        Ok(RowOutcome::Events)
    }

    /// Checks a row by the rules of the profile that reject rows, and adds the warnings of those that warn of some.
    fn check_remarks(&self, row: &Row, warnings: &mut Vec<Problem>) -> Result<(), Box<Problem>> {
        for rule in &self.profile.reject {
            if self.is_for(&rule.scope, row)? {
                return Err(Box::new(self.remark(
                    Problem::error,
                    ProblemCode::RowRefused,
                    rule,
                    row,
                )));
            }
        }
        for rule in &self.profile.warn {
            if self.is_for(&rule.scope, row)? {
                warnings.push(self.remark(Problem::warning, rule.code.clone(), rule, row));
            }
        }
        Ok(())
    }

    /// Returns why a row is ignored, if it is: the user's reason for one of its words, or that of a
    /// rule of the profile.
    fn ignored(
        &self,
        row: &Row,
        warnings: &mut Vec<Problem>,
    ) -> Result<Option<&str>, Box<Problem>> {
        if let Some(reason) = self.ignored_word(row) {
            return Ok(Some(reason));
        }
        let Some(rule) = self.matching_ignore(row)? else {
            return Ok(None);
        };
        self.ignored_by.set(Some(rule));
        if let Some(warning) = &rule.warning {
            warnings.push(with_hint(
                Problem::warning(ProblemCode::RowIgnored, warning.as_str()),
                rule.hint.as_deref(),
            ));
        }
        Ok(Some(&rule.reason))
    }

    fn check_width(&self, row: &Row) -> Result<(), Box<Problem>> {
        if row.len() == self.header.len() {
            return Ok(());
        }
        let (has, wants) = (row.len(), self.header.len());
        Err(Box::new(
            Problem::error(
                ProblemCode::RowRagged,
                format!("the row has {has} fields and the header has {wants}"),
            )
            .hint(if has < wants {
                "the row may be cut off; fix it or export the file again"
            } else {
                "a cell may hold a delimiter without quotes; fix the row or export the file again"
            }),
        ))
    }

    /// Returns `true` if the row belongs to the one above; an error if it should but the row above
    /// is another one's.
    fn continues(&self, rows: &Continuation, row: &Row) -> Result<bool, Box<Problem>> {
        let told = rows.same.iter().map(|&column| self.text(row, column));
        if !self.holds(&rows.when, row)? {
            *self.first_row.borrow_mut() = told.map(str::to_owned).collect();
            return Ok(false);
        }
        // Where the first row alone names the order, the others name none.
        let is_same = {
            let first = self.first_row.borrow();
            let mut pairs = first.iter().zip(told);
            first.len() == rows.same.len()
                && pairs.all(|(first, told)| {
                    !first.is_empty() && (told.is_empty() || first.as_str() == told)
                })
        };
        if is_same {
            return Ok(true);
        }
        let column = rows.same[0];
        Err(Box::new(
            self.cell_error(
                ProblemCode::RowWithoutFirst,
                column,
                self.text(row, column),
                "the row continues another row, but that row is not directly above it",
            )
            .hint("the rows may have been sorted or cut; export the file again"),
        ))
    }

    /// Returns the customer of a row. A damaged uid is refused like a damaged event id: it may have
    /// become another customer's. An email that can't be read is refused even beside a uid: the
    /// lead may be known by the email alone.
    fn customer(&self, columns: CustomerColumns, row: &Row) -> Result<Customer, Box<Problem>> {
        if let Some(column) = columns.uid {
            self.check_id(row, column)?;
        }
        let email = match columns.email {
            Some(column) => self.email(row, column)?,
            None => None,
        };
        let uid = columns.uid.map(|column| self.text(row, column));
        Ok(Customer::new(email, uid))
    }

    fn remark(
        &self,
        kind: fn(ProblemCode, String) -> Problem,
        code: ProblemCode,
        rule: &RemarkRule,
        row: &Row,
    ) -> Problem {
        let value = self.text(row, rule.column);
        let problem = kind(code, rule.message.clone()).cell(self.header_name(rule.column), value);
        with_hint(problem, rule.hint.as_deref())
    }

    fn event(
        &self,
        rule: &EventRule,
        customer: &Customer,
        row: &Row,
        source: ExportLine,
        events: &mut Vec<Event>,
    ) -> Result<(), Box<Problem>> {
        let (sale_event_id, sale_reference) = self.two_ids(&rule.sale_event_id, row)?;
        let read = self.money(rule, row)?;
        let money = read.as_ref().map(|read| read.money);
        let rest = read.as_ref().and_then(|read| read.rest);
        let total = money
            .filter(|_| rule.is_running_total)
            .map(|m| m.amount_cents);
        let (event_id, own_id) = match (total, &sale_event_id) {
            (Some(total), Some(sale)) => (running_total_refund_id(sale, total), None),
            _ => {
                let (event_id, own_id) = self.two_ids(&rule.event_id, row)?;
                let event_id = event_id.ok_or_else(|| Box::new(self.no_id(rule)))?;
                // A sign-up is for one customer, by either id.
                (event_id, own_id.filter(|_| rule.kind != Kind::Signup))
            }
        };
        // Filled in place: on an error, the caller removes it again.
        let at = events.len();
        events.push(Event::new(rule.kind, event_id, customer.clone(), source));
        let event = &mut events[at];
        event.sale_event_id = sale_event_id;
        event.is_named_by_shared_id_alone = rule.kind == Kind::Sale
            && own_id.is_none()
            && self.lacks_last_id(&rule.event_id, row)?;
        event.is_distinguished_by_reference = own_id.is_some();
        event.reference = match own_id.or(sale_reference) {
            Some(reference) => Some(reference),
            None => self
                .first_id(&rule.reference, row)?
                .filter(|reference| reference != event.event_id()),
        };
        event.refund_total_cents = total;
        event.money = money;
        event.gross_cents = read.as_ref().and_then(|read| read.gross_cents);
        if let Some(note) = read.and_then(|read| read.note) {
            event.remark(&note);
        }
        event.plan = self.maybe(rule.plan, row);
        if rule.has_details() || rest.is_some() {
            let details = self.details(rule, event.plan.is_some(), row)?;
            event.set_details(Details { rest, ..details });
            if rule.detail("promo_code").is_some() && self.has_several_coupons(rule, row) {
                event.remark("not sent with a promo code: the order has several coupons");
            }
        }
        event.created_at = self.created_at(rule, row, event)?;
        if event.created_at.is_none() {
            self.check_undated(rule)?;
        }
        for note in [&rule.note, &rule.hold].into_iter().flatten() {
            event.remark(note);
        }
        Ok(())
    }

    /// Notes sales whose row has a running total of refunds that is zero.
    fn note_zero_totals(&self, events: &mut [Event]) {
        if events
            .iter()
            .any(|event| event.refund_total_cents.is_some())
        {
            return;
        }
        let mut totals = self
            .profile
            .events
            .iter()
            .filter(|rule| rule.is_running_total);
        let is_in_export = |column: ColumnIndex| self.binding.position(column).is_some();
        let is_said = totals.any(|rule| {
            let amount = rule.amount.as_ref().map(|amount| amount.column);
            let tested = rule.scope.when.iter().map(|(column, _)| *column);
            tested.chain(amount).all(is_in_export)
        });
        for event in events.iter_mut().filter(|event| event.kind == Kind::Sale) {
            event.has_no_refunds = is_said;
        }
    }

    fn details(
        &self,
        rule: &EventRule,
        has_plan: bool,
        row: &Row,
    ) -> Result<Details, Box<Problem>> {
        let mut details = Details::default();
        for (slot, column) in details.slots().into_iter().zip(rule.details) {
            let Some(column) = column else { continue };
            match slot {
                DetailSlot::Text(text) => *text = self.maybe(Some(column), row),
                DetailSlot::Count(count) => *count = self.count(column, row)?,
                DetailSlot::Cents(cents) => *cents = self.revenue_cents(column, row)?,
            }
        }
        if has_plan {
            details.subscription = None;
        }
        if self.has_several_coupons(rule, row) {
            details.promo_code = None;
        }
        Ok(details)
    }

    /// Returns `true` if a cell has several coupons, of which the API takes only one.
    fn has_several_coupons(&self, rule: &EventRule, row: &Row) -> bool {
        let coupons = self
            .profile
            .coupons
            .filter(|_| rule.detail("promo_code") == self.profile.coupons);
        coupons.is_some_and(|column| self.text(row, column).contains([',', ';', '|']))
    }

    fn count(&self, column: ColumnIndex, row: &Row) -> Result<Option<u32>, Box<Problem>> {
        match self.text(row, column) {
            "" => Ok(None),
            value => value.parse().map(Some).map_err(|_| {
                Box::new(self.cell_error(
                    ProblemCode::QuantityInvalid,
                    column,
                    value,
                    "not a whole number",
                ))
            }),
        }
    }
    fn maybe(&self, column: Option<ColumnIndex>, row: &Row) -> Option<Text> {
        column
            .map(|column| self.text(row, column))
            .filter(|text| !text.is_empty())
            .map(Text::new)
    }

    /// Returns the cell without the spaces around it; empty if the export does not have the column.
    fn text<'r>(&self, row: &'r Row, column: ColumnIndex) -> &'r str {
        self.binding
            .position(column)
            .and_then(|position| row.get(position))
            .map_or("", cell::trimmed)
    }

    /// Returns the name of the user's table that has, or could have, the profile's settings.
    fn own_table(&self) -> &str {
        if self.profile.is_own {
            &self.profile.name
        } else {
            "mine"
        }
    }

    /// Returns what the user's table needs beside a setting, if the table does not exist yet.
    fn extending(&self) -> String {
        let profile = &self.profile.name;
        if self.profile.is_own {
            String::new()
        } else {
            format!(", with `extends = \"{profile}\"` under `[exports.mine]`")
        }
    }

    fn header_name(&self, column: ColumnIndex) -> String {
        match self.binding.position(column) {
            Some(position) => self.header[position].clone(),
            None => self.profile.columns[column].name.clone(),
        }
    }

    fn cell_error(
        &self,
        code: ProblemCode,
        column: ColumnIndex,
        value: &str,
        message: &str,
    ) -> Problem {
        Problem::error(code, message).cell(self.header_name(column), value)
    }
}

/// Returns `true` if all cells are empty: spreadsheets and scripts write such rows at the end of a
/// file.
fn is_blank(row: &Row) -> bool {
    row.iter().all(|cell| cell::trimmed(cell).is_empty())
}

fn no_customer(warnings: &mut Vec<Problem>) -> RowOutcome {
    warnings.push(
        Problem::warning(
            ProblemCode::NoCustomer,
            "the row has no email and no customer id",
        )
        .hint("it can't belong to a lead; add the email to the row if it should count"),
    );
    RowOutcome::Ignored(NO_CUSTOMER.to_owned())
}

fn with_hint(problem: Problem, hint: Option<&str>) -> Problem {
    match hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

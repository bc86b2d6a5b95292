//! Which events a row is, or why it is none.
//!
//! A [`Classifier`] is one profile bound to one export's header. It is pure: the same row gives
//! the same answer, and nothing is guessed. Every row ends in exactly one of three ways: with
//! events, ignored for a reason that the profile names, or rejected for a reason that a person can
//! mend.

mod cell;
mod commission;

pub use commission::{CommissionOutcome, CommissionRow, CommissionStatus};

use std::cell::{Cell, RefCell};

use jiff::Timestamp;

use crate::event::{
    Currency, Customer, Details, Event, Kind, Money, ParsedAmount, Source, Text,
    running_total_refund_id,
};
use crate::export::Row;
use crate::problem::Problem;
use crate::profile::{
    AmountRule, Binding, ColumnIndex, Continuation, Convention, CustomerColumns, DateSource, Dates,
    EventRule, IgnoreRule, Profile, RemarkRule, Scope, Sign, Template, TemplatePart, Test, When,
};

/// Why a row without email and uid is no event, whatever else it says.
const NO_CUSTOMER: &str = "no email and no customer id";

/// Why a row that belongs to the one above is no event of its own.
const CONTINUES: &str = "continues the row above";

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its events were added to the list.
    Events,
    /// It is no event, for this reason.
    Ignored(String),
    /// It can't be read; the problem says why, and nothing of the row was added.
    Rejected(Problem),
}

/// A profile bound to the header of one export.
pub struct Classifier<'p> {
    profile: &'p Profile,
    binding: Binding,
    header: &'p [String],
    account_currency: Currency,
    /// The code read last, as it stood: most exports have one currency, and looking a code up is
    /// the dearest thing that is done for a cell.
    last_currency: Cell<Option<([u8; 3], Currency)>>,
    /// What the last row that continues no other says in the columns that tell rows of one thing.
    first_row: RefCell<Vec<String>>,
}

impl<'p> Classifier<'p> {
    /// A classifier for the rows below `header`, in which `binding` found the profile's columns.
    ///
    /// `account_currency` is that of amounts for which neither the export nor the profile names
    /// one.
    pub fn new(
        profile: &'p Profile,
        binding: Binding,
        header: &'p [String],
        account_currency: Currency,
    ) -> Self {
        Classifier {
            profile,
            binding,
            header,
            account_currency,
            last_currency: Cell::new(None),
            first_row: RefCell::new(Vec::new()),
        }
    }

    /// Reads one row: adds its events to `events` and what a person should know to `warnings`.
    ///
    /// Problems name column and value; the caller adds file and line.
    pub fn classify(
        &self,
        row: &Row,
        source: Source,
        events: &mut Vec<Event>,
        warnings: &mut Vec<Problem>,
    ) -> Outcome {
        let before = (events.len(), warnings.len());
        match self.try_row(row, source, events, warnings) {
            Ok(outcome) => outcome,
            Err(problem) => {
                events.truncate(before.0);
                warnings.truncate(before.1);
                Outcome::Rejected(*problem)
            }
        }
    }

    /// The subscription that the row is about and its plan, whatever else becomes of the row.
    pub fn subscription<'r>(&self, row: &'r Row) -> Option<(&'r str, &'r str)> {
        let columns = self.profile.subscription?;
        let (id, plan) = (self.text(row, columns.id), self.text(row, columns.plan));
        (!id.is_empty() && !plan.is_empty()).then_some((id, plan))
    }

    fn try_row(
        &self,
        row: &Row,
        source: Source,
        events: &mut Vec<Event>,
        warnings: &mut Vec<Problem>,
    ) -> Result<Outcome, Box<Problem>> {
        self.check_width(row)?;
        if let Some(rows) = &self.profile.continuation
            && self.continues(rows, row)?
        {
            return Ok(Outcome::Ignored(CONTINUES.to_owned()));
        }
        self.check_known(row)?;
        if let Some(rule) = self.matching_ignore(row)? {
            if let Some(warning) = &rule.warning {
                warnings.push(with_hint(
                    Problem::warning("row-ignored", warning.as_str()),
                    rule.hint.as_deref(),
                ));
            }
            return Ok(Outcome::Ignored(rule.reason.clone()));
        }
        let customer = self.customer(self.profile.customer, row)?;
        let is_own = |rule: &EventRule| rule.customer.is_some();
        if customer.is_unknown() && !self.profile.events.iter().any(is_own) {
            return Ok(no_customer(warnings));
        }
        for rule in &self.profile.reject {
            if self.is_for(&rule.scope, row)? {
                return Err(Box::new(self.remark(
                    Problem::error,
                    "row-refused",
                    rule,
                    row,
                )));
            }
        }
        for rule in &self.profile.warn {
            if self.is_for(&rule.scope, row)? {
                warnings.push(self.remark(Problem::warning, "row-remarkable", rule, row));
            }
        }
        let before = events.len();
        for rule in &self.profile.events {
            if self.is_for(&rule.scope, row)? {
                let own = rule.customer.map(|columns| self.customer(columns, row));
                let own = own.transpose()?;
                let customer = own.as_ref().unwrap_or(&customer);
                if customer.is_unknown() {
                    events.truncate(before);
                    return Ok(no_customer(warnings));
                }
                self.event(rule, customer, row, source, events, warnings)?;
            }
        }
        if events.len() == before {
            return Ok(Outcome::Ignored(
                "no event by the profile's rules".to_owned(),
            ));
        }
        Ok(Outcome::Events)
    }

    fn check_width(&self, row: &Row) -> Result<(), Box<Problem>> {
        if row.len() == self.header.len() {
            return Ok(());
        }
        let (has, wants) = (row.len(), self.header.len());
        Err(Box::new(
            Problem::error(
                "row-ragged",
                format!("the row has {has} fields and the header has {wants}"),
            )
            .hint(if has < wants {
                "the row may be cut off; mend it or export the file again"
            } else {
                "a cell may hold a delimiter without quotes; mend the row or export the file again"
            }),
        ))
    }

    /// Whether the row belongs to the one above; an error where that is another one's.
    fn continues(&self, rows: &Continuation, row: &Row) -> Result<bool, Box<Problem>> {
        let told = rows.same.iter().map(|&column| self.text(row, column));
        if !self.holds(&rows.when, row)? {
            *self.first_row.borrow_mut() = told.map(str::to_owned).collect();
            return Ok(false);
        }
        let is_same = {
            let first = self.first_row.borrow();
            first.iter().map(String::as_str).eq(told) && first.iter().all(|text| !text.is_empty())
        };
        if is_same {
            return Ok(true);
        }
        let column = rows.same[0];
        Err(Box::new(
            self.cell_error(
                "row-without-first",
                column,
                self.text(row, column),
                "the row continues one that does not stand above it",
            )
            .hint("the rows may have been sorted or cut; export the file again"),
        ))
    }

    fn check_known(&self, row: &Row) -> Result<(), Box<Problem>> {
        for (column, words) in &self.profile.known {
            let value = self.text(row, *column);
            if !words.contain(value) {
                let profile = &self.profile.name;
                return Err(Box::new(
                    self.cell_error("value-unknown", *column, value, "the profile doesn't know this word")
                        .hint(format!(
                            "`{profile}` knows {}; add it to `known` in a profile that extends `{profile}`",
                            words_of(&words.list)
                        )),
                ));
            }
        }
        Ok(())
    }

    fn matching_ignore(&self, row: &Row) -> Result<Option<&'p IgnoreRule>, Box<Problem>> {
        for rule in &self.profile.ignore {
            if self.is_for(&rule.scope, row)? {
                return Ok(Some(rule));
            }
        }
        Ok(None)
    }

    /// A damaged uid is refused like a damaged event id: it may have become another customer's.
    fn customer(&self, columns: CustomerColumns, row: &Row) -> Result<Customer, Box<Problem>> {
        let cell = |column: Option<ColumnIndex>| column.map(|column| self.text(row, column));
        if let Some(column) = columns.uid {
            self.check_id(row, column)?;
        }
        Ok(Customer::new(cell(columns.email), cell(columns.uid)))
    }

    fn check_id(&self, row: &Row, column: ColumnIndex) -> Result<(), Box<Problem>> {
        let value = self.text(row, column);
        match cell::id_damage(value) {
            None => Ok(()),
            Some(damage) => Err(Box::new(
                self.cell_error("id-damaged", column, value, damage)
                    .hint("export the file again and don't open it in a spreadsheet"),
            )),
        }
    }

    fn is_for(&self, scope: &Scope, row: &Row) -> Result<bool, Box<Problem>> {
        if !self.holds(&scope.when, row)? {
            return Ok(false);
        }
        match &scope.unless {
            Some(unless) => Ok(!self.holds(unless, row)?),
            None => Ok(true),
        }
    }

    fn holds(&self, when: &When, row: &Row) -> Result<bool, Box<Problem>> {
        for (column, test) in when {
            let value = self.text(row, *column);
            let holds = match test {
                Test::OneOf(words) => words.contain(value),
                Test::NoneOf(words) => !words.contain(value),
                Test::Pattern(pattern) => pattern.is_match(value),
                Test::Empty(empty) => value.is_empty() == *empty,
                Test::Sign(sign) => self.sign(row, *column)? == Some(*sign),
                Test::NotSign(signs) => {
                    let is = self.sign(row, *column)?;
                    is.is_none_or(|sign| !signs.contains(&sign))
                }
                Test::Sum(columns) => self.is_sum(row, *column, columns)?,
                Test::NotSum(columns) => !self.is_sum(row, *column, columns)?,
            };
            if !holds {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the amount is that of these columns together; an empty cell counts nothing.
    fn is_sum(
        &self,
        row: &Row,
        column: ColumnIndex,
        parts: &[ColumnIndex],
    ) -> Result<bool, Box<Problem>> {
        let currency = self.currency(row)?;
        let cents = |column: ColumnIndex| -> Result<i128, Box<Problem>> {
            if self.text(row, column).is_empty() {
                return Ok(0);
            }
            Ok(self.amount(row, column, currency)?.cents.into())
        };
        let mut sum = 0;
        for &part in parts {
            sum += cents(part)?;
        }
        Ok(cents(column)? == sum)
    }

    /// The sign of what stands there; an amount that is missing is not zero, and has none.
    fn sign(&self, row: &Row, column: ColumnIndex) -> Result<Option<Sign>, Box<Problem>> {
        if self.text(row, column).is_empty() {
            return Ok(None);
        }
        let currency = self.currency(row)?;
        Ok(Some(match self.amount(row, column, currency)?.cents {
            0 => Sign::Zero,
            1.. => Sign::Positive,
            _ => Sign::Negative,
        }))
    }

    fn remark(
        &self,
        kind: fn(&'static str, String) -> Problem,
        code: &'static str,
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
        source: Source,
        events: &mut Vec<Event>,
        warnings: &mut Vec<Problem>,
    ) -> Result<(), Box<Problem>> {
        let sale_event_id = self.first_id(&rule.sale_event_id, row)?;
        let (money, gross_cents) = match self.money(rule, row, warnings)? {
            Some((money, gross_cents)) => (Some(money), gross_cents),
            None => (None, None),
        };
        let total = money.filter(|_| rule.running_total).map(|m| m.amount_cents);
        let event_id = match (total, &sale_event_id) {
            (Some(total), Some(sale)) => running_total_refund_id(sale, total),
            _ => self
                .first_id(&rule.event_id, row)?
                .ok_or_else(|| Box::new(self.no_id(rule)))?,
        };
        // Filled where it stands: of an error, the caller takes it back.
        let at = events.len();
        events.push(Event::new(rule.kind, event_id, customer.clone(), source));
        let event = &mut events[at];
        event.sale_event_id = sale_event_id;
        let reference = self.first_id(&rule.reference, row)?;
        event.reference = reference.filter(|reference| reference != event.event_id());
        event.refund_total_cents = total;
        event.money = money;
        event.gross_cents = gross_cents;
        event.plan = self.maybe(rule.plan, row);
        if rule.has_details() {
            let details = self.details(rule, event.plan.is_some(), row)?;
            event.set_details(details);
        }
        event.created_at = self.created_at(rule, row, event)?;
        if let Some(note) = &rule.note {
            event.remark(note);
        }
        Ok(())
    }

    fn details(
        &self,
        rule: &EventRule,
        has_plan: bool,
        row: &Row,
    ) -> Result<Details, Box<Problem>> {
        Ok(Details {
            subscription: match has_plan {
                true => None,
                false => self.maybe(rule.subscription, row),
            },
            promo_code: self.maybe(rule.promo_code, row),
            first_name: self.maybe(rule.first_name, row),
            last_name: self.maybe(rule.last_name, row),
            ref_id: self.maybe(rule.ref_id, row),
            tid: self.maybe(rule.tid, row),
            quantity: self.quantity(rule, row)?,
            mrr_cents: self.mrr(rule, row)?,
            candidates: None,
        })
    }

    /// What counts, and what was paid in all where that is another amount. A running total is what
    /// was paid back in all: what of it counts, its sale decides.
    fn money(
        &self,
        rule: &EventRule,
        row: &Row,
        warnings: &mut Vec<Problem>,
    ) -> Result<Option<(Money, Option<i64>)>, Box<Problem>> {
        let Some(amount) = &rule.amount else {
            return Ok(None);
        };
        let column = amount.column;
        let currency = self.currency(row)?;
        let (whole, sign) = self.whole(amount, row, currency)?;
        let parsed = match rule.running_total {
            true => whole,
            false => self.less(whole, sign, amount, row, currency)?,
        };
        let value = self.text(row, column);
        if parsed.cents <= 0 {
            return Err(Box::new(self.not_positive(rule, column, value)));
        }
        let gross_cents = match &rule.gross {
            None => whole.cents,
            Some(gross) => self.gross(rule, gross, row, currency)?,
        };
        if parsed.lost_digit {
            warnings.push(
                Problem::warning(
                    "amount-cut",
                    format!("the Tracking API takes hundredths of {currency}; the third decimal is cut off"),
                )
                .cell(self.header_name(column), value),
            );
        }
        let money = Money {
            amount_cents: parsed.cents,
            currency,
        };
        Ok(Some((
            money,
            Some(gross_cents).filter(|gross| *gross != parsed.cents),
        )))
    }

    fn not_positive(&self, rule: &EventRule, column: ColumnIndex, value: &str) -> Problem {
        let message = format!("the amount of a {} has to be above zero", rule.kind);
        self.cell_error("amount-not-positive", column, value, &message)
            .hint("a refund is a row or a column of its own, never a negative sale")
    }

    fn gross(
        &self,
        rule: &EventRule,
        amount: &AmountRule,
        row: &Row,
        currency: Currency,
    ) -> Result<i64, Box<Problem>> {
        let (whole, sign) = self.whole(amount, row, currency)?;
        let cents = self.less(whole, sign, amount, row, currency)?.cents;
        match cents {
            1.. => Ok(cents),
            _ => {
                let value = self.text(row, amount.column);
                Err(Box::new(self.not_positive(rule, amount.column, value)))
            }
        }
    }

    /// An amount before its `minus` is taken off, above zero by the rule's convention, and the sign
    /// that does that to its parts.
    fn whole(
        &self,
        rule: &AmountRule,
        row: &Row,
        currency: Currency,
    ) -> Result<(ParsedAmount, i64), Box<Problem>> {
        let mut sum = self.amount(row, rule.column, currency)?;
        let sign = match rule.convention {
            Convention::Positive => 1,
            Convention::Negative => -1,
            Convention::Any => sum.cents.signum(),
        };
        if rule.convention == Convention::Negative && sum.cents > 0 {
            return Err(Box::new(self.wrong_sign(
                row,
                rule.column,
                "this export writes such amounts with a minus",
            )));
        }
        sum.cents *= sign;
        self.add_parts(&mut sum, &rule.plus, 1, sign, row, currency)?;
        Ok((sum, sign))
    }

    /// What is left of an amount without its `minus`.
    fn less(
        &self,
        mut whole: ParsedAmount,
        sign: i64,
        rule: &AmountRule,
        row: &Row,
        currency: Currency,
    ) -> Result<ParsedAmount, Box<Problem>> {
        self.add_parts(&mut whole, &rule.minus, -1, sign, row, currency)?;
        Ok(whole)
    }

    fn add_parts(
        &self,
        sum: &mut ParsedAmount,
        parts: &[ColumnIndex],
        factor: i64,
        sign: i64,
        row: &Row,
        currency: Currency,
    ) -> Result<(), Box<Problem>> {
        for &column in parts {
            let part = self.part(row, column, currency, sign)?;
            sum.lost_digit |= part.lost_digit;
            let cents = sum.cents.checked_add(factor * part.cents);
            sum.cents = cents
                .ok_or_else(|| Box::new(self.wrong_sign(row, column, "the amount is too large")))?;
        }
        Ok(())
    }

    /// A part of an amount; nothing where the cell is empty. It has the sign of the whole.
    fn part(
        &self,
        row: &Row,
        column: ColumnIndex,
        currency: Currency,
        sign: i64,
    ) -> Result<ParsedAmount, Box<Problem>> {
        if self.text(row, column).is_empty() {
            return Ok(ParsedAmount {
                cents: 0,
                lost_digit: false,
            });
        }
        let mut part = self.amount(row, column, currency)?;
        part.cents *= sign;
        if part.cents < 0 {
            return Err(Box::new(self.wrong_sign(
                row,
                column,
                "this part of the amount has another sign than the whole",
            )));
        }
        Ok(part)
    }

    fn wrong_sign(&self, row: &Row, column: ColumnIndex, message: &str) -> Problem {
        self.cell_error("amount-sign", column, self.text(row, column), message)
            .hint("export the file again, or declare the sign in a profile that extends this one")
    }

    fn mrr(&self, rule: &EventRule, row: &Row) -> Result<Option<i64>, Box<Problem>> {
        match rule.mrr {
            Some(column) if !self.text(row, column).is_empty() => {
                let currency = self.currency(row)?;
                Ok(Some(self.amount(row, column, currency)?.cents))
            }
            _ => Ok(None),
        }
    }

    fn quantity(&self, rule: &EventRule, row: &Row) -> Result<Option<u32>, Box<Problem>> {
        let Some(column) = rule.quantity else {
            return Ok(None);
        };
        match self.text(row, column) {
            "" => Ok(None),
            value => value.parse().map(Some).map_err(|_| {
                Box::new(self.cell_error(
                    "quantity-invalid",
                    column,
                    value,
                    "this is no whole number",
                ))
            }),
        }
    }

    /// The first of the rule's date columns that says something.
    fn created_at(
        &self,
        rule: &EventRule,
        row: &Row,
        event: &mut Event,
    ) -> Result<Option<Timestamp>, Box<Problem>> {
        for (rank, source) in rule.created_at.iter().enumerate() {
            let value = self.text(row, source.date);
            if value.is_empty() {
                continue;
            }
            if rank > 0 && rule.kind == Kind::Refund {
                event.remark("the export has no date for the refund: dated as its sale");
            }
            return self.date(source, value, row).map(Some);
        }
        Ok(None)
    }

    fn date(&self, source: &DateSource, value: &str, row: &Row) -> Result<Timestamp, Box<Problem>> {
        let dates = self.profile.dates.of(source.date);
        let zone = match source.zone {
            None => None,
            Some(column) => {
                let word = self.text(row, column);
                let zone = cell::zone_of(word, dates);
                Some(zone.ok_or_else(|| Box::new(self.unknown_zone(column, word)))?)
            }
        };
        let with_time = source
            .time
            .map(|time| format!("{value} {}", self.text(row, time)));
        let whole = with_time.as_deref().unwrap_or(value);
        cell::date(whole, dates, zone.as_ref())
            .ok_or_else(|| Box::new(self.no_date(source.date, whole, dates)))
    }

    fn unknown_zone(&self, column: ColumnIndex, word: &str) -> Problem {
        let profile = &self.profile.name;
        self.cell_error(
            "zone-unknown",
            column,
            word,
            "the profile doesn't know this time zone",
        )
        .hint(format!(
            "say what it stands for under `[dates.zones]` in a profile that extends `{profile}`"
        ))
    }

    fn no_date(&self, column: ColumnIndex, value: &str, dates: &Dates) -> Problem {
        let examples = dates.formats.iter();
        let examples = examples
            .map(|format| format!("`{}`", cell::date_example(format)))
            .collect::<Vec<_>>()
            .join(" or ");
        let message = "this is no date of this export";
        let problem = self.cell_error("date-invalid", column, value, message);
        let mut hint = format!("dates of this export are written like {examples}");
        if cell::is_day_or_month_first(value) {
            hint.push_str(
                "; a spreadsheet may have rewritten it, and whether day or month comes first is not to be guessed: export the file again",
            );
        }
        problem.hint(hint)
    }

    /// The first id whose columns all say something.
    fn first_id(&self, templates: &[Template], row: &Row) -> Result<Option<Text>, Box<Problem>> {
        for template in templates {
            if let Some(id) = self.fill(template, row)? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    fn fill(&self, template: &Template, row: &Row) -> Result<Option<Text>, Box<Problem>> {
        // Nearly every id is a cell.
        if let [TemplatePart::Column(column)] = template.0[..] {
            let value = self.text(row, column);
            if value.is_empty() {
                return Ok(None);
            }
            self.check_id(row, column)?;
            return Ok(Some(Text::new(value)));
        }
        let mut id = Text::default();
        for part in &template.0 {
            match part {
                TemplatePart::Text(text) => id.push_str(text),
                TemplatePart::Column(column) => {
                    let value = self.text(row, *column);
                    if value.is_empty() {
                        return Ok(None);
                    }
                    self.check_id(row, *column)?;
                    id.push_str(value);
                }
            }
        }
        Ok(Some(id))
    }

    fn no_id(&self, rule: &EventRule) -> Problem {
        let columns = rule.event_id.iter().flat_map(|template| &template.0);
        let names: Vec<_> = columns
            .filter_map(|part| match part {
                TemplatePart::Column(column) => Some(format!("`{}`", self.header_name(*column))),
                TemplatePart::Text(_) => None,
            })
            .collect();
        let message = format!(
            "the {} has no id: nothing stands in {}",
            rule.kind,
            names.join(" or ")
        );
        Problem::error("event-id-missing", message)
            .hint("without an id of its own it can't be told apart from others; give it one")
    }

    fn currency(&self, row: &Row) -> Result<Currency, Box<Problem>> {
        let source = self.profile.currency;
        match source
            .column
            .filter(|&c| self.binding.position(c).is_some())
        {
            None => Ok(source.fixed.unwrap_or(self.account_currency)),
            Some(column) => {
                let value = self.text(row, column);
                self.currency_of(value).ok_or_else(|| {
                    Box::new(
                        self.cell_error(
                            "currency-unknown",
                            column,
                            value,
                            "this is no ISO 4217 currency",
                        )
                        .hint("a three-letter code such as `USD` is expected"),
                    )
                })
            }
        }
    }

    fn currency_of(&self, code: &str) -> Option<Currency> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        if let Some((last, currency)) = self.last_currency.get()
            && last == bytes
        {
            return Some(currency);
        }
        let currency = Currency::from_code(code)?;
        self.last_currency.set(Some((bytes, currency)));
        Some(currency)
    }

    fn amount(
        &self,
        row: &Row,
        column: ColumnIndex,
        currency: Currency,
    ) -> Result<ParsedAmount, Box<Problem>> {
        let value = self.text(row, column);
        let format = &self.profile.amount_format;
        format.parse(value, currency).map_err(|error| {
            Box::new(
                self.cell_error("amount-invalid", column, value, &error.to_string())
                    .hint(cell::amount_hint(format, currency)),
            )
        })
    }

    fn maybe(&self, column: Option<ColumnIndex>, row: &Row) -> Option<Text> {
        column
            .map(|column| self.text(row, column))
            .filter(|text| !text.is_empty())
            .map(Text::new)
    }

    /// The cell without the spaces around it; empty where the export does not have the column.
    fn text<'r>(&self, row: &'r Row, column: ColumnIndex) -> &'r str {
        self.binding
            .position(column)
            .and_then(|position| row.get(position))
            .map_or("", cell::trimmed)
    }

    fn header_name(&self, column: ColumnIndex) -> String {
        match self.binding.position(column) {
            Some(position) => self.header[position].clone(),
            None => self.profile.columns[column].name.clone(),
        }
    }

    fn cell_error(
        &self,
        code: &'static str,
        column: ColumnIndex,
        value: &str,
        message: &str,
    ) -> Problem {
        Problem::error(code, message).cell(self.header_name(column), value)
    }
}

fn no_customer(warnings: &mut Vec<Problem>) -> Outcome {
    warnings.push(
        Problem::warning("no-customer", "the row has no email and no customer id")
            .hint("it can't belong to a lead; add the email to the row if it should count"),
    );
    Outcome::Ignored(NO_CUSTOMER.to_owned())
}

fn with_hint(problem: Problem, hint: Option<&str>) -> Problem {
    match hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

fn words_of(words: &[String]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

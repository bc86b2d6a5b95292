//! Compiles a profile's table: everything that it refers to must exist.

use std::collections::BTreeMap;

use regex_lite::Regex;

use super::extend::Resolved;
use super::spec::{
    AmountSpec, AskSpec, CellTests, ColumnSpec, CommissionSpec, ContinuationSpec, ConventionSpec,
    DateSpec, EventSpec, IgnoreSpec, KnownSpec, MeaningSpec, MoneySpec, PromoCodeSpec, RemarkAbout,
    RemarkSpec, SignSpec, Spec, SubscriptionSpec, TaxesSpec, TestSpec, WhenSpec,
};
use super::words::with_article;
use super::{
    AmountRule, ColumnIndex, CommissionColumns, Continuation, Convention, CurrencySource,
    CustomerColumns, DateSource, EmptyList, EventRule, IgnoreRule, Meaning, Profile, ProfileColumn,
    ProfileError, Question, ReadAs, RemarkRule, RowScope, Sign, Spelling, SubscriptionColumns,
    TaxColumns, Template, TemplatePart, Test, When, WordSet,
};
use crate::event::{Currency, DETAIL_COUNT, Kind, detail_place};
use crate::export::LINES_ABOVE_MOST;
use crate::problem::ProblemCode;

/// Checks a profile's table and compiles it.
///
/// # Errors
///
/// The table is not a valid profile.
pub(super) fn profile(name: &str, resolved: Resolved) -> Result<Profile, ProfileError> {
    let Resolved { mut table, lineage } = resolved;
    let unset: Vec<bool> = asked(&table)
        .map(|key| value_at(&table, key).is_none())
        .collect();
    name_asked_columns(&mut table);
    let spec: Spec = table.try_into().map_err(|error| unreadable(name, &error))?;
    let mut profile = Compiler::new(&spec).profile(&spec)?;
    profile.lineage = lineage;
    let mut unset = unset.into_iter();
    profile.questions.retain(|_| unset.next().unwrap_or(true));
    Ok(profile)
}

/// Returns the error for a table that does not have the form of a profile. It ends with the keys
/// above the place, as `in `money.format``, and begins with the problem.
fn unreadable(name: &str, error: &toml::de::Error) -> ProfileError {
    let said = error.to_string();
    let above = said
        .lines()
        .find_map(|line| line.strip_prefix("in `"))
        .map(|keys| keys.trim_end_matches('`'));
    let unknown = error
        .message()
        .strip_prefix("unknown field `")
        .and_then(|rest| Some(rest.split_once('`')?.0));
    let mut problem = ProfileError::new(name, error.message().to_owned())
        .hint("docs/profiles.md explains every key, and `fprecon profiles show generic` prints an example");
    if let Some(above) = above {
        problem = problem.about(above);
    }
    match unknown {
        Some(key) => problem.says(key),
        None => problem,
    }
}

/// Returns the value of a key such as `money.format.unit`.
fn value_at<'t>(table: &'t toml::Table, key: &str) -> Option<&'t toml::Value> {
    let mut keys = key.split('.');
    let first = table.get(keys.next()?)?;
    keys.try_fold(first, |value, key| value.get(key))
}

/// Gives a column that is asked for no header names until the user names one, so that the rules
/// that refer to it can be checked and the question can be asked.
fn name_asked_columns(table: &mut toml::Table) {
    let names: Vec<_> = asked(table)
        .filter_map(|key| key.strip_prefix("columns."))
        .map(str::to_owned)
        .collect();
    if let Some(columns) = table.get_mut("columns").and_then(toml::Value::as_table_mut) {
        for name in names {
            let nameless = || toml::Value::Array(Vec::new());
            columns.entry(name).or_insert_with(nameless);
        }
    }
}

/// Returns the keys of `[[ask]]`.
fn asked(table: &toml::Table) -> impl Iterator<Item = &str> {
    let asks = table.get("ask").and_then(toml::Value::as_array);
    asks.into_iter().flatten().map(|ask| {
        let key = ask.get("key").and_then(toml::Value::as_str);
        key.unwrap_or_default()
    })
}

pub(super) struct Compiler<'s> {
    profile: &'s str,
    columns: Vec<ProfileColumn>,
    lists: &'s BTreeMap<String, Vec<String>>,
}

impl<'s> Compiler<'s> {
    fn new(spec: &'s Spec) -> Self {
        let columns = spec
            .columns
            .iter()
            .map(|(name, column)| ProfileColumn {
                name: name.clone(),
                headers: column.names().to_vec(),
                is_optional: ColumnSpec::is_optional(column),
                spelling: Spelling::from_fold(column.fold()),
            })
            .collect();
        Compiler {
            profile: &spec.name,
            columns,
            lists: &spec.words,
        }
    }

    fn profile(self, spec: &Spec) -> Result<Profile, ProfileError> {
        let currency = self.currency(&spec.money)?;
        self.check_amount_format(&spec.money)?;
        let dates = self.dates(&spec.dates)?;
        self.check_skip_lines(spec.skip_lines)?;
        let customer = self.customer(spec)?;
        let mut known = Vec::new();
        for (column, words) in &spec.known {
            known.push(self.known(column, words)?);
        }
        let continuation = spec
            .continuation
            .as_ref()
            .map(|rows| self.continuation(rows))
            .transpose()?;
        let ignore = self.rules("ignore", &spec.ignore, Self::ignore_rule)?;
        let reject = self.rules("reject", &spec.reject, Self::remark_rule)?;
        let warn = self.rules("warn", &spec.warn, Self::remark_rule)?;
        let read_as = self.read_as(&spec.read_as, &known)?;
        let empty_lists = self.empty_lists(spec)?;
        let mut events = self.rules("event", &spec.event, Self::event_rule)?;
        let coupons = self.coupons(spec.promo_code.as_ref())?;
        complete_events(&mut events, coupons, &known);
        self.check_has_events(spec)?;
        Ok(Profile {
            name: spec.name.clone(),
            title: spec.title.clone(),
            based_on: spec.based_on.clone(),
            is_detected: spec.detect.is_enabled(),
            is_nearly_known: spec.detect.is_nearly_known(),
            skip_lines: spec.skip_lines,
            sheet: spec.sheet.clone(),
            lineage: Vec::new(),
            completes: spec.completes.clone(),
            same_sales_as: spec.same_sales_as.clone(),
            is_report_of_refused: spec.mends,
            subscription: self.subscription(spec.subscription.as_ref())?,
            commission: self.commission(spec.commission.as_ref())?,
            is_own: false,
            coupons,
            absent: spec.detect.absent().to_vec(),
            questions: self.each(&spec.ask, Self::question)?,
            taxes: self.taxes(spec.taxes.as_ref())?,
            columns: self.columns,
            currency,
            amount_format: spec.money.format.clone(),
            dates,
            customer,
            no_email: WordSet {
                list: spec.customer.no_email.clone(),
                spelling: Spelling::AnyCase,
            },
            known,
            read_as,
            empty_lists,
            totals: running_totals(&events),
            file: None,
            continuation,
            ignore,
            reject,
            warn,
            events,
        })
    }

    /// Returns the columns of the customer, of which there has to be one.
    fn customer(&self, spec: &Spec) -> Result<CustomerColumns, ProfileError> {
        let email = self.maybe_column("customer.email", spec.customer.email.as_deref())?;
        let uid = self.maybe_column("customer.uid", spec.customer.uid.as_deref())?;
        if email.is_none() && uid.is_none() {
            let message = "`[customer]` names neither `email` nor `uid`";
            return Err(self.error(message).about("customer"));
        }
        Ok(CustomerColumns { email, uid })
    }

    /// Checks that rows are events, or commissions of a list.
    fn check_has_events(&self, spec: &Spec) -> Result<(), ProfileError> {
        let message = match (spec.event.is_empty(), spec.commission.is_some()) {
            (true, false) => "there is no `[[event]]`, so no row could be one",
            (false, true) => "a list of commissions has no `[[event]]`",
            (true, true) | (false, false) => return Ok(()),
        };
        Err(self.error(message).about("event"))
    }

    fn commission(
        &self,
        spec: Option<&CommissionSpec>,
    ) -> Result<Option<CommissionColumns>, ProfileError> {
        let Some(spec) = spec else {
            return Ok(None);
        };
        let column = |key: &str, name: &Option<String>| self.maybe_column(key, name.as_deref());
        let words = |name: &str| {
            let list = self.lists("commission", &[name.to_owned()])?;
            let spelling = Spelling::Loose;
            Ok::<_, ProfileError>(WordSet { list, spelling })
        };
        Ok(Some(CommissionColumns {
            amount: self.column("commission.amount", &spec.amount)?,
            id: column("commission.id", &spec.id)?,
            event_id: column("commission.event_id", &spec.event_id)?,
            sale_amount: column("commission.sale_amount", &spec.sale_amount)?,
            status: column("commission.status", &spec.status)?,
            is_paid: column("commission.is_paid", &spec.is_paid)?,
            is_split: column("commission.is_split", &spec.is_split)?,
            unit: column("commission.unit", &spec.unit)?,
            kind: column("commission.kind", &spec.kind)?,
            tier: column("commission.tier", &spec.tier)?,
            created_at: match &spec.created_at {
                Some(date) => Some(self.date_source(date)?),
                None => None,
            },
            promoter_id: column("commission.promoter_id", &spec.promoter_id)?,
            promoter_email: column("commission.promoter_email", &spec.promoter_email)?,
            ref_id: column("commission.ref_id", &spec.ref_id)?,
            campaign: column("commission.campaign", &spec.campaign)?,
            campaign_id: column("commission.campaign_id", &spec.campaign_id)?,
            plan: column("commission.plan", &spec.plan)?,
            approved: words("approved")?,
            pending: words("pending")?,
            denied: words("denied")?,
            paid: words("paid")?,
            yes: words("yes")?,
            no: words("no")?,
            cash: words("cash")?,
            by_hand: match spec.kind {
                Some(_) => words("by_hand")?,
                None => WordSet {
                    list: Vec::new(),
                    spelling: Spelling::Loose,
                },
            },
        }))
    }

    fn coupons(&self, spec: Option<&PromoCodeSpec>) -> Result<Option<ColumnIndex>, ProfileError> {
        let Some(spec) = spec else {
            return Ok(None);
        };
        let column = self.column("promo_code.column", &spec.column)?;
        Ok(spec.send.then_some(column))
    }

    fn question(&self, ask: &AskSpec) -> Result<Question, ProfileError> {
        Ok(Question {
            key: ask.key.clone(),
            text: ask.question.clone(),
            without: self.maybe_column("ask.without", ask.without.as_deref())?,
        })
    }

    fn taxes(&self, spec: Option<&TaxesSpec>) -> Result<Option<TaxColumns>, ProfileError> {
        let Some(spec) = spec else {
            return Ok(None);
        };
        let mut named = Vec::new();
        for [name, value] in &spec.named {
            named.push((
                self.column("taxes.named", name)?,
                self.column("taxes.named", value)?,
            ));
        }
        Ok(Some(TaxColumns {
            goods: self.column("taxes.goods", &spec.goods)?,
            shipping: self.column("taxes.shipping", &spec.shipping)?,
            tax: self.column("taxes.tax", &spec.tax)?,
            total: self.column("taxes.total", &spec.total)?,
            duties: self.maybe_column("taxes.duties", spec.duties.as_deref())?,
            named,
        }))
    }

    fn subscription(
        &self,
        spec: Option<&SubscriptionSpec>,
    ) -> Result<Option<SubscriptionColumns>, ProfileError> {
        let Some(spec) = spec else {
            return Ok(None);
        };
        Ok(Some(SubscriptionColumns {
            id: self.column("subscription.id", &spec.id)?,
            plan: self.column("subscription.plan", &spec.plan)?,
        }))
    }

    /// Compiles the rules of a list such as `[[event]]`; an error names the rule.
    fn rules<T, R>(
        &self,
        list: &'static str,
        specs: &[T],
        compile: impl Fn(&Self, &T) -> Result<R, ProfileError>,
    ) -> Result<Vec<R>, ProfileError> {
        let numbered = specs.iter().enumerate();
        numbered
            .map(|(index, spec)| compile(self, spec).map_err(|error| error.of_rule(list, index)))
            .collect()
    }

    fn each<T, R>(
        &self,
        specs: &[T],
        compile: impl Fn(&Self, &T) -> Result<R, ProfileError>,
    ) -> Result<Vec<R>, ProfileError> {
        specs.iter().map(|spec| compile(self, spec)).collect()
    }

    pub(super) fn error(&self, message: impl Into<String>) -> ProfileError {
        ProfileError::new(self.profile, message)
    }

    pub(super) fn column(&self, key: &str, name: &str) -> Result<ColumnIndex, ProfileError> {
        self.columns
            .iter()
            .position(|column| column.name == name)
            .ok_or_else(|| {
                self.error(format!("`{key}` refers to `{name}`, which is not a column"))
                    .hint("columns are named under `[columns]`")
                    .about(key)
                    .says(name)
            })
    }

    fn maybe_column(
        &self,
        key: &str,
        name: Option<&str>,
    ) -> Result<Option<ColumnIndex>, ProfileError> {
        name.map(|name| self.column(key, name)).transpose()
    }

    fn currency(&self, money: &MoneySpec) -> Result<CurrencySource, ProfileError> {
        let fixed = money.currency.as_ref().map(|code| {
            let currency = Currency::from_code(code);
            let money = currency.filter(|currency| currency.not_money().is_none());
            money.ok_or_else(|| {
                self.error(format!(
                    "`money.currency` is `{code}`, which is not an ISO 4217 code"
                ))
                .about("money.currency")
            })
        });
        Ok(CurrencySource {
            column: self.maybe_column("money.currency_column", money.currency_column.as_deref())?,
            fixed: fixed.transpose()?,
        })
    }

    fn check_skip_lines(&self, lines: usize) -> Result<(), ProfileError> {
        if lines > LINES_ABOVE_MOST {
            let message = format!(
                "`skip_lines` is {lines}, but at most {LINES_ABOVE_MOST} lines above a header can be skipped"
            );
            return Err(self.error(message).about("skip_lines"));
        }
        Ok(())
    }

    /// Checks that no character has two meanings in an amount, and that none of them is a digit.
    fn check_amount_format(&self, money: &MoneySpec) -> Result<(), ProfileError> {
        let format = &money.format;
        let separators = [Some(format.decimal), format.thousands, format.or_decimal];
        let is_taken = |c: char| c.is_ascii_digit() || matches!(c, '-' | '\u{2212}' | '(' | ')');
        if separators.into_iter().flatten().any(is_taken) || format.thousands == separators[0] {
            let message =
                "`money.format` needs two different separators that are neither digits nor signs";
            return Err(self.error(message).about("money.format"));
        }
        let strip = format.strip.as_deref();
        if strip.is_some_and(|symbol| {
            // `kr.` is found whole, whatever the point is elsewhere.
            let is_word = symbol.contains(char::is_alphabetic);
            let taken = |c| is_taken(c) || !is_word && separators.contains(&Some(c));
            symbol.trim().is_empty() || symbol.contains(taken)
        }) {
            let message =
                "`money.format.strip` must be a symbol without digits, signs and separators";
            return Err(self.error(message).about("money.format.strip"));
        }
        Ok(())
    }

    fn known(
        &self,
        column: &str,
        spec: &KnownSpec,
    ) -> Result<(ColumnIndex, WordSet), ProfileError> {
        let index = self.column("known", column)?;
        let list = match spec {
            KnownSpec::Words(words) => words.clone(),
            KnownSpec::Lists { words } => self.lists("known", words.as_slice())?,
        };
        Ok((index, self.words(index, list)))
    }

    /// Compiles the words of `read_as`: each of them must stand for a known word.
    fn read_as(
        &self,
        spec: &BTreeMap<String, BTreeMap<String, MeaningSpec>>,
        known: &[(ColumnIndex, WordSet)],
    ) -> Result<Vec<ReadAs>, ProfileError> {
        let mut all = Vec::new();
        for (name, words) in spec {
            let column = self.column("read_as", name)?;
            let Some((_, known)) = known.iter().find(|(is, _)| *is == column) else {
                let message = format!("`read_as.{name}` needs the words of `known.{name}`");
                return Err(self.error(message).about("read_as").says(name));
            };
            for (word, meaning) in words {
                let meaning = match meaning {
                    MeaningSpec::Ignored { ignore } => Meaning::Ignored(ignore.clone()),
                    MeaningSpec::Word(to) if known.contain(to) => Meaning::Word(to.clone()),
                    MeaningSpec::Word(to) => {
                        let message =
                            format!("`read_as.{name}` says `{to}`, which is not in `known.{name}`");
                        let error = self.error(message).about("read_as").says(to);
                        return Err(error.hint(format!("use one of {}", known.quoted())));
                    }
                };
                let words = self.words(column, vec![word.clone()]);
                all.push(ReadAs {
                    column,
                    words,
                    meaning,
                });
            }
        }
        Ok(all)
    }

    /// Finds the lists without a word by which rows are ignored or events.
    fn empty_lists(&self, spec: &Spec) -> Result<Vec<EmptyList>, ProfileError> {
        // A rule that asks for more than the word does not say what the word means.
        let alone = |rule: &&IgnoreSpec| rule.when.len() == 1 && rule.unless.is_none();
        let ignored = spec.ignore.iter().filter(alone).map(|rule| {
            let meaning = format!("ignored: {}", rule.reason);
            (&rule.when, meaning)
        });
        let events = spec.event.iter().map(|rule| {
            let meaning = with_article(rule.kind).to_owned();
            (&rule.when, meaning)
        });
        let mut empty: Vec<EmptyList> = Vec::new();
        for (when, meaning) in events.chain(ignored) {
            for (column, test) in when {
                let TestSpec::Tests(CellTests {
                    words: Some(names), ..
                }) = test
                else {
                    continue;
                };
                let column = self.column("when", column)?;
                let is_empty = |name: &&String| self.lists.get(*name).is_some_and(Vec::is_empty);
                for name in names.as_slice().iter().filter(is_empty) {
                    let mut known = empty.iter_mut();
                    match known.find(|list| list.column == column && list.name == *name) {
                        Some(list) => list.meaning = format!("{} or {meaning}", list.meaning),
                        None => empty.push(EmptyList {
                            column,
                            name: name.clone(),
                            meaning: meaning.clone(),
                        }),
                    }
                }
            }
        }
        Ok(empty)
    }

    fn words(&self, column: ColumnIndex, list: Vec<String>) -> WordSet {
        let spelling = self.columns[column].spelling;
        WordSet { list, spelling }
    }

    /// Returns the words of all these lists of `[words]`.
    fn lists(&self, key: &str, names: &[String]) -> Result<Vec<String>, ProfileError> {
        let mut all = Vec::new();
        for name in names {
            let list = self.lists.get(name).ok_or_else(|| {
                self.error(format!(
                    "`{key}` refers to the words `{name}`, but there is no such list"
                ))
                .hint("lists of words are named under `[words]`")
                .about(key)
                .says(name)
            })?;
            all.extend_from_slice(list);
        }
        Ok(all)
    }

    fn continuation(&self, spec: &ContinuationSpec) -> Result<Continuation, ProfileError> {
        if spec.same.is_empty() || spec.when.is_empty() {
            let message = "`[continuation]` needs columns in `same` and tests in `when`";
            return Err(self.error(message).about("continuation"));
        }
        Ok(Continuation {
            same: self.columns_of("continuation.same", &spec.same)?,
            when: self.when(&spec.when)?,
        })
    }

    fn columns_of(&self, key: &str, names: &[String]) -> Result<Vec<ColumnIndex>, ProfileError> {
        names.iter().map(|name| self.column(key, name)).collect()
    }

    fn scope(&self, when: &WhenSpec, unless: Option<&WhenSpec>) -> Result<RowScope, ProfileError> {
        if unless.is_some_and(BTreeMap::is_empty) {
            let message = "`unless` without a test would exclude every row";
            return Err(self.error(message).about("unless"));
        }
        Ok(RowScope {
            when: self.when(when)?,
            unless: unless.map(|unless| self.when(unless)).transpose()?,
        })
    }

    fn when(&self, when: &WhenSpec) -> Result<When, ProfileError> {
        let mut all = Vec::new();
        for (name, test) in when {
            let column = self.column("when", name)?;
            let tests = match test {
                TestSpec::Word(word) => vec![self.one_of(column, vec![word.clone()])],
                TestSpec::OneOf(words) => vec![self.one_of(column, words.clone())],
                TestSpec::Tests(tests) => self.cell_tests(name, column, tests)?,
            };
            all.extend(tests.into_iter().map(|test| (column, test)));
        }
        // Tests that compare words decide most rows before an amount has to be read.
        all.sort_by_key(|(_, test)| test.reads_amounts());
        Ok(all)
    }

    fn one_of(&self, column: ColumnIndex, list: Vec<String>) -> Test {
        Test::OneOf(self.words(column, list))
    }

    fn cell_tests(
        &self,
        name: &str,
        column: ColumnIndex,
        spec: &CellTests,
    ) -> Result<Vec<Test>, ProfileError> {
        let mut tests = Vec::new();
        if let Some(words) = &spec.words {
            tests.push(self.one_of(column, self.lists("when", words.as_slice())?));
        }
        if let Some(words) = &spec.not {
            tests.push(Test::NoneOf(self.words(column, words.as_slice().to_vec())));
        }
        if let Some(pattern) = &spec.pattern {
            let regex = Regex::new(pattern).map_err(|error| {
                self.error(format!(
                    "`{pattern}` for `{name}` is not a valid pattern: {error}"
                ))
                .says(pattern)
            })?;
            tests.push(Test::Pattern(regex));
        }
        tests.extend(spec.empty.map(Test::Empty));
        tests.extend(spec.exported.map(Test::Exported));
        tests.extend(spec.sign.map(|sign| Test::Sign(sign_of(sign))));
        if let Some(signs) = &spec.not_sign {
            tests.push(Test::NotSign(signs.iter().copied().map(sign_of).collect()));
        }
        if let Some(columns) = &spec.sum {
            tests.push(Test::Sum(self.columns_of("when.sum", columns)?));
        }
        if let Some(columns) = &spec.not_sum {
            tests.push(Test::NotSum(self.columns_of("when.not_sum", columns)?));
        }
        if tests.is_empty() {
            let message = format!("the table for `{name}` in a `when` has no test in it");
            return Err(self.error(message).about("when").says(name));
        }
        if spec.empty == Some(true) && tests.len() > 1 {
            let message = format!("`empty = true` for `{name}` can't be combined with other tests");
            return Err(self.error(message).about("when").says(name));
        }
        Ok(tests)
    }

    fn ignore_rule(&self, spec: &IgnoreSpec) -> Result<IgnoreRule, ProfileError> {
        Ok(IgnoreRule {
            scope: self.scope(&spec.when, spec.unless.as_ref())?,
            reason: spec.reason.clone(),
            is_not_paid: spec.not_paid,
            warning: spec.warning.clone(),
            hint: spec.hint.clone(),
        })
    }

    fn remark_rule(&self, spec: &RemarkSpec) -> Result<RemarkRule, ProfileError> {
        let code = match spec.about {
            Some(RemarkAbout::Dispute) => ProblemCode::RowDisputed,
            Some(RemarkAbout::NotPaid) => ProblemCode::RowUnpaid,
            None => ProblemCode::RowRemarkable,
        };
        Ok(RemarkRule {
            code,
            scope: self.scope(&spec.when, spec.unless.as_ref())?,
            column: self.column("column", &spec.column)?,
            message: spec.message.clone(),
            hint: spec.hint.clone(),
        })
    }

    fn event_rule(&self, spec: &EventSpec) -> Result<EventRule, ProfileError> {
        self.check_event(spec)?;
        let event_id = self.each(&spec.event_id, Self::template)?;
        let created_at = self.each(&spec.created_at, Self::date_source)?;
        self.check_days(&event_id, &created_at)?;
        let mut details = [None; DETAIL_COUNT];
        for (key, column) in spec.details() {
            details[detail_place(key)] = self.maybe_column(&format!("event.{key}"), column)?;
        }
        Ok(EventRule {
            kind: spec.kind,
            scope: self.scope(&spec.when, spec.unless.as_ref())?,
            note: spec.note.clone(),
            hold: spec.hold.clone(),
            names: Vec::new(),
            customer: self.event_customer(spec)?,
            event_id,
            sale_event_id: self.each(&spec.sale_event_id, Self::template)?,
            reference: self.each(&spec.reference, Self::template)?,
            amount: spec
                .amount
                .as_ref()
                .map(|spec| self.amount(spec))
                .transpose()?,
            gross: spec
                .gross
                .as_ref()
                .map(|spec| self.amount(spec))
                .transpose()?,
            is_running_total: spec.running_total,
            created_at,
            plan: self.maybe_column("event.plan", spec.plan.as_deref())?,
            details,
        })
    }

    fn amount(&self, spec: &AmountSpec) -> Result<AmountRule, ProfileError> {
        let none = Vec::new();
        let (column, sign, plus, minus) = match spec {
            AmountSpec::Column(column) => (column, ConventionSpec::default(), &none, &none),
            AmountSpec::Table {
                column,
                sign,
                plus,
                minus,
                ..
            } => (column, *sign, plus, minus),
        };
        let less_tax = matches!(spec, AmountSpec::Table { less_tax: true, .. });
        Ok(AmountRule {
            column: self.column("event.amount", column)?,
            convention: match sign {
                ConventionSpec::Positive => Convention::Positive,
                ConventionSpec::Negative => Convention::Negative,
                ConventionSpec::Any => Convention::Any,
            },
            plus: self.columns_of("event.amount.plus", plus)?,
            minus: self.columns_of("event.amount.minus", minus)?,
            is_less_tax: less_tax,
        })
    }

    fn date_source(&self, spec: &DateSpec) -> Result<DateSource, ProfileError> {
        let key = "event.created_at";
        let (date, time, zone) = match spec {
            DateSpec::Column(date) => (date, None, None),
            DateSpec::Columns { date, time, zone } => (date, time.as_deref(), zone.as_deref()),
        };
        Ok(DateSource {
            date: self.column(key, date)?,
            time: self.maybe_column(key, time)?,
            zone: self.maybe_column(key, zone)?,
        })
    }

    fn event_customer(&self, spec: &EventSpec) -> Result<Option<CustomerColumns>, ProfileError> {
        let customer = CustomerColumns {
            email: self.maybe_column("event.email", spec.email.as_deref())?,
            uid: self.maybe_column("event.uid", spec.uid.as_deref())?,
        };
        Ok((customer.email.is_some() || customer.uid.is_some()).then_some(customer))
    }

    /// Checks that an event of this kind has everything it needs.
    fn check_event(&self, spec: &EventSpec) -> Result<(), ProfileError> {
        let kind = spec.kind;
        if kind.has_amount() && spec.amount.is_none() {
            return Err(self.error(format!("an `[[event]]` of kind `{kind}` needs `amount`")));
        }
        if spec.running_total && (kind != Kind::Refund || spec.sale_event_id.is_empty()) {
            let message = "`running_total` is for refunds with a `sale_event_id`, from which their ids are made";
            return Err(self.error(message).about("running_total"));
        }
        if !spec.reference.is_empty() && kind != Kind::Sale {
            let message = "`reference` is another id of a sale, by which its refunds may name it";
            return Err(self.error(message).about("reference"));
        }
        if spec.gross.is_some() && (!kind.has_amount() || spec.running_total) {
            let message =
                "`gross` is only for the `amount` of a sale, or of a refund with an id of its own";
            return Err(self.error(message).about("gross"));
        }
        if spec.event_id.is_empty() && !spec.running_total {
            return Err(self.error(format!("an `[[event]]` of kind `{kind}` needs `event_id`")));
        }
        Ok(())
    }

    /// Checks that the day in an id is the day of the event, and that the text before it identifies
    /// the column: else days of two columns would be taken for two events.
    fn check_days(&self, ids: &[Template], dates: &[DateSource]) -> Result<(), ProfileError> {
        let mut before: Vec<&[TemplatePart]> = Vec::new();
        let mut dates = dates.iter().map(|source| source.date);
        for template in ids {
            let is_day = |part: &TemplatePart| matches!(part, TemplatePart::Day(_));
            let Some(at) = template.0.iter().position(is_day) else {
                continue;
            };
            let (start, rest) = template.0.split_at(at);
            let [TemplatePart::Day(column)] = rest else {
                let message = "a `:day` in an id must be single, and at its end";
                return Err(self.error(message).about("event_id"));
            };
            if dates.next() != Some(*column) {
                let message = "the ids with a `:day` must name the columns of `created_at`, in the same order";
                return Err(self.error(message).about("event_id"));
            }
            if before.contains(&start) {
                let message = "two ids with days of two columns are equal before the day, so the column of the day is ambiguous: write another word before one of them";
                return Err(self.error(message).about("event_id"));
            }
            before.push(start);
        }
        Ok(())
    }

    fn template(&self, text: &String) -> Result<Template, ProfileError> {
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else {
                let message = format!("the id `{text}` has a `{{` without a `}}`");
                return Err(self.error(message).says(text));
            };
            if !before.is_empty() {
                parts.push(TemplatePart::Text(before.to_owned()));
            }
            let (name, part): (_, fn(ColumnIndex) -> TemplatePart) = match name.strip_suffix(":day")
            {
                Some(name) => (name, TemplatePart::Day),
                None => (name, TemplatePart::Column),
            };
            let column = self.column("an id", name);
            parts.push(part(column.map_err(|error| error.says(text))?));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(TemplatePart::Text(rest.to_owned()));
        }
        let has_column = parts
            .iter()
            .any(|part| matches!(part, TemplatePart::Column(_)));
        if !has_column {
            let message =
                format!("the id `{text}` has no column in it, so every row would have the same id");
            return Err(self.error(message).says(text));
        }
        Ok(Template(parts))
    }
}

/// Gives the events of a profile what its other tables say: sales the coupons, and each the columns whose known words it
/// names.
fn complete_events(
    events: &mut [EventRule],
    coupons: Option<ColumnIndex>,
    known: &[(ColumnIndex, WordSet)],
) {
    for rule in events {
        if rule.kind == Kind::Sale {
            let promo_code = &mut rule.details[detail_place("promo_code")];
            *promo_code = promo_code.or(coupons);
        }
        rule.names = named_columns(&rule.scope.when, known);
    }
}

/// Returns the columns of `known` in which a `when` lists the words that it is for, and not only
/// those that it is not for.
fn named_columns(when: &When, known: &[(ColumnIndex, WordSet)]) -> Vec<ColumnIndex> {
    let is_named = |column: &ColumnIndex| {
        let mut tests = when.iter().filter(|(tested, _)| tested == column);
        tests.any(|(_, test)| matches!(test, Test::OneOf(_) | Test::Pattern(_) | Test::Empty(true)))
    };
    known
        .iter()
        .map(|(column, _)| *column)
        .filter(is_named)
        .collect()
}

/// Returns the columns of which running totals consist, and no other amount of an event. In a
/// column that is both, the sign depends on the kind of its rows, which the rules decide.
fn running_totals(events: &[EventRule]) -> Vec<(ColumnIndex, Convention)> {
    let columns = |amount: &AmountRule| {
        let mut columns = vec![amount.column];
        columns.extend(&amount.plus);
        columns
    };
    let of_others: Vec<ColumnIndex> = events
        .iter()
        .filter(|rule| !rule.is_running_total)
        .flat_map(|rule| [&rule.amount, &rule.gross])
        .flatten()
        .flat_map(columns)
        .collect();
    let mut totals: Vec<(ColumnIndex, Convention)> = Vec::new();
    for amount in events
        .iter()
        .filter(|rule| rule.is_running_total)
        .filter_map(|rule| rule.amount.as_ref())
    {
        for column in columns(amount) {
            let is_new = totals.iter().all(|(seen, _)| *seen != column);
            if is_new && !of_others.contains(&column) {
                totals.push((column, amount.convention));
            }
        }
    }
    totals
}

fn sign_of(sign: SignSpec) -> Sign {
    match sign {
        SignSpec::Positive => Sign::Positive,
        SignSpec::Zero => Sign::Zero,
        SignSpec::Negative => Sign::Negative,
    }
}

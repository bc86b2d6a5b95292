//! From a profile's words to a profile: everything that it refers to has to be there.

use jiff::tz::TimeZone;

use super::spec::{
    ColumnSpec, DatesSpec, EventSpec, IgnoreSpec, MoneySpec, RemarkSpec, SignSpec, Spec, TestSpec,
    WhenSpec,
};
use super::{
    Column, ColumnIndex, CurrencySource, DateFormat, Dates, EventRule, IgnoreRule, Profile,
    ProfileError, RemarkRule, Sign, Template, TemplatePart, Test, When,
};
use crate::event::{Currency, Kind};

/// Checks a profile's table and makes it usable.
pub(super) fn profile(name: &str, table: toml::Table) -> Result<Profile, ProfileError> {
    let spec: Spec = table.try_into().map_err(|error: toml::de::Error| {
        ProfileError::new(name, error.message().to_owned())
            .hint("`fprecon profiles show generic` prints a profile with every key explained")
    })?;
    Compiler::new(&spec).profile(&spec)
}

struct Compiler<'s> {
    profile: &'s str,
    columns: Vec<Column>,
}

impl<'s> Compiler<'s> {
    fn new(spec: &'s Spec) -> Self {
        let columns = spec
            .columns
            .iter()
            .map(|(name, column)| Column {
                name: name.clone(),
                headers: column.names().to_vec(),
                optional: ColumnSpec::is_optional(column),
            })
            .collect();
        Compiler {
            profile: &spec.name,
            columns,
        }
    }

    fn profile(self, spec: &Spec) -> Result<Profile, ProfileError> {
        let currency = self.currency(&spec.money)?;
        let dates = self.dates(&spec.dates)?;
        let email = self.maybe_column("customer.email", spec.customer.email.as_deref())?;
        let uid = self.maybe_column("customer.uid", spec.customer.uid.as_deref())?;
        if email.is_none() && uid.is_none() {
            return Err(self.error("`[customer]` names neither `email` nor `uid`"));
        }
        let mut known = Vec::new();
        for (column, words) in &spec.known {
            known.push((self.column("known", column)?, words.clone()));
        }
        let ignore = self.each(&spec.ignore, Self::ignore_rule)?;
        let reject = self.each(&spec.reject, Self::remark_rule)?;
        let warn = self.each(&spec.warn, Self::remark_rule)?;
        let events = self.each(&spec.event, Self::event_rule)?;
        if events.is_empty() {
            return Err(self.error("there is no `[[event]]`, so no row could ever be one"));
        }
        Ok(Profile {
            name: spec.name.clone(),
            title: spec.title.clone(),
            rests_on: spec.rests_on.clone(),
            detect: spec.detect,
            columns: self.columns,
            currency,
            amount_format: spec.money.format.clone(),
            dates,
            email,
            uid,
            known,
            ignore,
            reject,
            warn,
            events,
        })
    }

    fn each<T, R>(
        &self,
        specs: &[T],
        compile: impl Fn(&Self, &T) -> Result<R, ProfileError>,
    ) -> Result<Vec<R>, ProfileError> {
        specs.iter().map(|spec| compile(self, spec)).collect()
    }

    fn error(&self, message: impl Into<String>) -> ProfileError {
        ProfileError::new(self.profile, message)
    }

    fn column(&self, key: &str, name: &str) -> Result<ColumnIndex, ProfileError> {
        self.columns
            .iter()
            .position(|column| column.name == name)
            .ok_or_else(|| {
                self.error(format!("`{key}` refers to `{name}`, which is no column"))
                    .hint("columns are named under `[columns]`")
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
            Currency::from_code(code).ok_or_else(|| {
                self.error(format!(
                    "`money.currency` is `{code}`, which is no ISO 4217 code"
                ))
            })
        });
        Ok(CurrencySource {
            column: self.maybe_column("money.currency_column", money.currency_column.as_deref())?,
            fixed: fixed.transpose()?,
        })
    }

    fn dates(&self, dates: &DatesSpec) -> Result<Dates, ProfileError> {
        let formats = dates
            .formats
            .iter()
            .map(|format| match format.as_str() {
                "rfc3339" => DateFormat::Rfc3339,
                pattern => DateFormat::Pattern(pattern.to_owned()),
            })
            .collect();
        let zone = match dates.zone.as_deref() {
            None | Some("UTC") => TimeZone::UTC,
            Some(name) => TimeZone::get(name).map_err(|_| {
                self.error(format!("`dates.zone` is `{name}`, which is no time zone"))
                    .hint("write it as in the IANA database, such as `Europe/Berlin`, or `UTC`")
            })?,
        };
        Ok(Dates { formats, zone })
    }

    fn when(&self, when: &WhenSpec) -> Result<When, ProfileError> {
        when.iter()
            .map(|(column, test)| Ok((self.column("when", column)?, test_of(test))))
            .collect()
    }

    fn ignore_rule(&self, spec: &IgnoreSpec) -> Result<IgnoreRule, ProfileError> {
        Ok(IgnoreRule {
            when: self.when(&spec.when)?,
            reason: spec.reason.clone(),
            warning: spec.warning.clone(),
            hint: spec.hint.clone(),
        })
    }

    fn remark_rule(&self, spec: &RemarkSpec) -> Result<RemarkRule, ProfileError> {
        Ok(RemarkRule {
            when: self.when(&spec.when)?,
            column: self.column("column", &spec.column)?,
            message: spec.message.clone(),
            hint: spec.hint.clone(),
        })
    }

    fn event_rule(&self, spec: &EventSpec) -> Result<EventRule, ProfileError> {
        self.check_event(spec)?;
        let column = |key: &str, name: &Option<String>| self.maybe_column(key, name.as_deref());
        Ok(EventRule {
            kind: spec.kind,
            when: self.when(&spec.when)?,
            event_id: self.each(&spec.event_id, Self::template)?,
            sale_event_id: self.each(&spec.sale_event_id, Self::template)?,
            amount: column("event.amount", &spec.amount)?,
            running_total: spec.running_total,
            created_at: self.each(&spec.created_at, |this, name| {
                this.column("event.created_at", name)
            })?,
            plan: column("event.plan", &spec.plan)?,
            mrr: column("event.mrr", &spec.mrr)?,
            promo_code: column("event.promo_code", &spec.promo_code)?,
            quantity: column("event.quantity", &spec.quantity)?,
            first_name: column("event.first_name", &spec.first_name)?,
            last_name: column("event.last_name", &spec.last_name)?,
            ref_id: column("event.ref_id", &spec.ref_id)?,
            tid: column("event.tid", &spec.tid)?,
        })
    }

    /// What an event of this kind can't do without.
    fn check_event(&self, spec: &EventSpec) -> Result<(), ProfileError> {
        let kind = spec.kind;
        if kind.has_amount() && spec.amount.is_none() {
            return Err(self.error(format!("an `[[event]]` of kind `{kind}` needs `amount`")));
        }
        if spec.running_total && (kind != Kind::Refund || spec.sale_event_id.is_empty()) {
            return Err(self.error(
                "`running_total` is for refunds with a `sale_event_id`, from which their ids are made",
            ));
        }
        if spec.event_id.is_empty() && !spec.running_total {
            return Err(self.error(format!("an `[[event]]` of kind `{kind}` needs `event_id`")));
        }
        Ok(())
    }

    fn template(&self, text: &String) -> Result<Template, ProfileError> {
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else {
                return Err(self.error(format!("the id `{text}` has a `{{` without a `}}`")));
            };
            if !before.is_empty() {
                parts.push(TemplatePart::Text(before.to_owned()));
            }
            parts.push(TemplatePart::Column(self.column("an id", name)?));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(TemplatePart::Text(rest.to_owned()));
        }
        let has_column = parts
            .iter()
            .any(|part| matches!(part, TemplatePart::Column(_)));
        if !has_column {
            return Err(self.error(format!(
                "the id `{text}` has no column in it, so every row would have the same"
            )));
        }
        Ok(Template(parts))
    }
}

fn test_of(test: &TestSpec) -> Test {
    match test {
        TestSpec::Word(word) => Test::OneOf(vec![word.clone()]),
        TestSpec::OneOf(words) => Test::OneOf(words.clone()),
        TestSpec::Empty { empty } => Test::Empty(*empty),
        TestSpec::Sign { sign } => Test::Sign(match sign {
            SignSpec::Positive => Sign::Positive,
            SignSpec::Zero => Sign::Zero,
            SignSpec::Negative => Sign::Negative,
        }),
    }
}

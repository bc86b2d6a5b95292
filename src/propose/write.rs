//! A mapping as a profile, with what it rests on beside each choice.

use super::Sample;
use super::days::Days;
use super::mapping::{Mapping, Money};
use super::numbers::Written;
use super::table::{Column, Table};
use super::text::{Text, list, place, quoted, shown};
use crate::event::AmountFormat;

/// How many other columns are named beside a choice.
const OTHERS_SHOWN: usize = 4;

/// Writes the tables of one profile, in the order in which a person reads them.
pub(super) struct Writer<'w> {
    pub(super) name: &'w str,
    pub(super) mapping: &'w Mapping<'w>,
    pub(super) text: Text,
}

pub(super) fn proposal(
    name: &str,
    sample: &Sample<'_>,
    table: &Table<'_>,
    mapping: &Mapping<'_>,
) -> Text {
    let mut writer = Writer {
        name,
        mapping,
        text: Text::default(),
    };
    writer.head(sample, table);
    writer.columns();
    writer.money();
    writer.dates();
    writer.customer();
    writer.asks();
    writer.known();
    writer.rules();
    writer.sale();
    writer.refunds();
    writer.text
}

impl Writer<'_> {
    fn table(&mut self, of: &str) {
        let name = self.name;
        self.text.line("");
        self.text.line(&format!("[exports.{name}.{of}]"));
    }

    pub(super) fn entry(&mut self, of: &str) {
        let name = self.name;
        self.text.line("");
        self.text.line(&format!("[[exports.{name}.{of}]]"));
    }

    fn head(&mut self, sample: &Sample<'_>, table: &Table<'_>) {
        let text = &mut self.text;
        text.comment(&format!(
            "{} fits no built-in profile. This one is proposed from its header and {}.",
            sample.path,
            sample.extent()
        ));
        text.comment("Check every line marked `guess`; `fprecon plan` shows what comes of it. docs/profiles.md has the language.");
        if table.ragged > 0 {
            text.comment(&format!(
                "{} of these rows are narrower or wider than the header, and will be rejected.",
                table.ragged
            ));
        }
        text.line(&format!("[exports.{}]", self.name));
        text.key("title", sample.path);
        text.key(
            "rests_on",
            &format!("a proposal of `fprecon init` by {}", sample.extent()),
        );
    }

    fn columns(&mut self) {
        self.table("columns");
        let mapping = self.mapping;
        let text = &mut self.text;
        match (&mapping.id_repeated, mapping.id_is_named) {
            (None, true) => text.comment("What tells one sale from another: it stands in no two of the rows."),
            (None, false) => text.guess(&format!(
                "{} tells one sale from another: no column is called so, and in this one no value stands twice",
                shown(mapping.id.header)
            )),
            (Some(proof), _) if mapping.continues => {
                text.comment(&format!("An order over several rows, such as {}.", place(proof)));
            }
            (Some(proof), _) => text.guess(&format!(
                "{} tells one sale from another, although {}, not for the first time: rows with one id that differ are held",
                shown(mapping.id.header),
                place(proof)
            )),
        }
        text.key("id", mapping.id.header);
        if let Some(email) = mapping.email {
            if !mapping.email_is_named {
                let email = shown(email.header);
                text.guess(&format!(
                    "{email} is the customer: it has emails, and no column is called so"
                ));
            }
            if !mapping.other_emails.is_empty() {
                let others = others(&mapping.other_emails);
                text.guess(&format!(
                    "{} is the customer's, and not {others}",
                    shown(email.header)
                ));
            }
            text.key("email", email.header);
        }
        if let Some(uid) = mapping.uid {
            if mapping.email.is_none() {
                text.comment(
                    "There is no email: FirstPromoter has to know customers by this id (`uid`).",
                );
            }
            text.key("uid", uid.header);
        }
        self.amount_columns();
        let text = &mut self.text;
        if let Money::Column(currency) = mapping.money {
            text.key("currency", currency.header);
        }
        if let Some((date, _)) = &mapping.date {
            if !mapping.other_dates.is_empty() {
                let others = others(&mapping.other_dates);
                text.guess(&format!(
                    "{} is when the sale was, and not {others}",
                    shown(date.header)
                ));
            }
            text.key("created_at", date.header);
        }
        if let Some(status) = &mapping.status {
            if let Some(other) = mapping.other_status {
                text.guess(&format!(
                    "{} says whether it was paid, and not {}",
                    shown(status.column.header),
                    shown(other.header)
                ));
            }
            text.key("status", status.column.header);
        }
        if let Some(kind) = &mapping.kind {
            text.key("kind", kind.column.header);
        }
        if let Some(sale) = mapping.sale {
            text.key("sale", sale.header);
        }
        if let Some((flag, _)) = &mapping.refunded_flag {
            text.key("refunded_flag", flag.header);
        }
        for (key, flag) in [
            ("paid_flag", &mapping.paid_flag),
            ("test_flag", &mapping.test_flag),
        ] {
            if let Some((column, _)) = flag {
                text.key(key, column.header);
            }
        }
    }

    fn amount_columns(&mut self) {
        let amounts = &self.mapping.amounts;
        let text = &mut self.text;
        text.guess(&format!(
            "{} is what the customer paid",
            shown(amounts.total.header)
        ));
        text.key("amount", amounts.total.header);
        for (key, part) in [("tax", &amounts.tax), ("shipping", &amounts.shipping)] {
            if let Some((column, _)) = part {
                text.key(key, column.header);
            }
        }
        if let Some(refunded) = amounts.refunded {
            text.key("refunded", refunded.header);
        }
        for (number, rival) in amounts.rivals.iter().enumerate() {
            text.key(&format!("other_amount_{}", number + 1), rival.header);
        }
    }

    fn money(&mut self) {
        self.table("money");
        match &self.mapping.money {
            Money::Column(_) => self.text.key("currency_column", "currency"),
            Money::Fixed(currency, why) => {
                self.text
                    .guess(&format!("amounts are in {currency}: {why}"));
                self.text.key("currency", currency.code());
            }
            Money::Unknown => {
                self.text
                    .comment("The export names no currency. TO FILL IN, such as");
                self.text.line("# currency = \"USD\"");
            }
        }
        self.table("money.format");
        let is_whole_currency = self.is_whole_currency();
        let text = &mut self.text;
        let written = &self.mapping.amounts.written;
        match written {
            Written::Decimal(format, proof) => {
                text.comment(&format!("{}.", place(proof)));
                text.key("decimal", &format.decimal.to_string());
            }
            Written::Whole(_, proof) => {
                if is_whole_currency {
                    text.comment(&format!(
                        "{}, and its currency has no smaller unit.",
                        place(proof)
                    ));
                } else {
                    text.comment(&format!(
                        "All amounts are whole numbers: {}. TO FILL IN: leave one of these",
                        place(proof)
                    ));
                    text.line("# unit = \"major\"    # 800 is eight hundred");
                    text.line("# unit = \"minor\"    # 800 is eight");
                }
            }
            Written::Ambiguous(_, proof) => {
                text.comment(&format!(
                    "{}: thousands, or decimals? TO FILL IN: leave one of these lines",
                    place(proof)
                ));
                let [one, other] = if proof.value.contains(',') {
                    [".", ","]
                } else {
                    [",", "."]
                };
                text.line(&format!(
                    "# decimal = {}    # a thousand and more; then also thousands = {}",
                    quoted(one),
                    quoted(other)
                ));
                text.line(&format!("# decimal = {}    # one and a bit", quoted(other)));
            }
            Written::Mixed(_, one, other) => {
                text.comment(&format!(
                    "{}, but {}. TO FILL IN: the rows written the other way will be rejected",
                    place(one),
                    place(other)
                ));
                text.line("# decimal = \".\"");
                text.line("# decimal = \",\"");
            }
        }
        let AmountFormat {
            thousands,
            parentheses,
            strip,
            ..
        } = written.format();
        if let Some(thousands) = thousands {
            text.key("thousands", &thousands.to_string());
        }
        if *parentheses {
            text.line("parentheses = true    # (5.00) is minus five");
        }
        if let Some(symbol) = strip {
            text.key("strip", symbol);
        }
    }

    /// Whether hundredths don't matter.
    fn is_whole_currency(&self) -> bool {
        let all_whole = |column: &Column<'_>| {
            let mut codes = column
                .values()
                .filter_map(|(value, _)| crate::event::Currency::from_code(value));
            codes.all(|currency| currency.exponent() == 0)
        };
        match &self.mapping.money {
            Money::Column(column) => all_whole(column),
            Money::Fixed(currency, _) => currency.exponent() == 0,
            Money::Unknown => false,
        }
    }

    fn dates(&mut self) {
        let Some((column, days)) = &self.mapping.date else {
            self.text.line("");
            self.text.guess("no column has dates that can be read: events go without one, as if they were of today");
            return;
        };
        self.table("dates");
        let text = &mut self.text;
        match days {
            Days::Written { formats, proof } => {
                if let Some(proof) = proof.and_then(|at| column.proofs().nth(at)) {
                    text.comment(&format!(
                        "{}, which can't be read with day and month the other way round.",
                        place(&proof)
                    ));
                }
                text.line(&format!("formats = {}", list(formats)));
            }
            Days::Ambiguous(pairs) | Days::Mixed(pairs) => {
                let what = match (days, column.example()) {
                    (Days::Mixed(_), _) => {
                        "Some dates have the day first, others the month".to_owned()
                    }
                    (_, Some(proof)) => format!(
                        "{}: nothing tells whether the day or the month comes first",
                        place(&proof)
                    ),
                    (_, None) => String::new(),
                };
                text.comment(&format!("{what}. TO FILL IN: leave one of these lines"));
                for first in [0, 1] {
                    let formats: Vec<&str> = pairs.iter().map(|pair| pair[first]).collect();
                    text.line(&format!("# formats = {}", list(&formats)));
                }
            }
        }
        let says_zone = matches!(days, Days::Written { formats, .. } if formats.iter().all(|format| *format == "rfc3339" || format.ends_with("%z")));
        let words = super::names::words_of(column.header);
        if says_zone {
            return;
        }
        match words.split(' ').any(|word| word == "utc") {
            true => text.line("zone = \"UTC\"    # so says the header"),
            false => {
                text.guess("dates are in UTC: the export names no zone; yours may be one such as `Europe/Berlin`");
                text.line("zone = \"UTC\"");
            }
        }
    }

    fn customer(&mut self) {
        self.table("customer");
        if self.mapping.email.is_some() {
            self.text.key("email", "email");
        }
        if self.mapping.uid.is_some() {
            self.text.key("uid", "uid");
        }
    }

    /// What has to be answered before the profile can be used.
    fn asks(&mut self) {
        let mapping = self.mapping;
        let mut asks: Vec<(&str, String)> = Vec::new();
        if matches!(mapping.money, Money::Unknown) {
            asks.push((
                "money.currency",
                "the export names no currency: in which one are its amounts?".into(),
            ));
        }
        match &mapping.amounts.written {
            Written::Ambiguous(_, proof) => asks.push((
                "money.format.decimal",
                format!(
                    "is the separator in {} for thousands or for decimals?",
                    shown(&proof.value)
                ),
            )),
            Written::Mixed(_, one, other) => asks.push((
                "money.format.decimal",
                format!(
                    "amounts are written in two ways, such as {} and {}: which one is right?",
                    shown(&one.value),
                    shown(&other.value)
                ),
            )),
            Written::Whole(_, proof) if !self.is_whole_currency() => asks.push((
                "money.format.unit",
                format!(
                    "is an amount such as {} in cents (`minor`), or not (`major`)?",
                    shown(&proof.value)
                ),
            )),
            Written::Whole(..) | Written::Decimal(..) => {}
        }
        if let Some((column, Days::Ambiguous(_) | Days::Mixed(_))) = &mapping.date {
            let example = column
                .example()
                .map_or(String::new(), |proof| shown(&proof.value));
            asks.push((
                "dates.formats",
                format!("does the day or the month come first in a date such as {example}?"),
            ));
        }
        for (key, question) in asks {
            self.entry("ask");
            self.text.key("key", key);
            self.text.key("question", &question);
            self.text.questions.push(question);
        }
    }

    fn known(&mut self) {
        let columns = [
            ("status", &self.mapping.status),
            ("kind", &self.mapping.kind),
        ];
        let words: Vec<_> = columns
            .into_iter()
            .filter_map(|(key, words)| Some((key, words.as_ref()?)))
            .collect();
        if words.is_empty() {
            return;
        }
        self.text.line("");
        self.text
            .comment("The words that may stand in a column; a row with any other is rejected.");
        let name = self.name;
        self.text.line(&format!("[exports.{name}.known]"));
        for (key, words) in words {
            self.text.line(&format!("{key} = ["));
            for (word, n) in &words.words {
                let rows = if *n == 1 { "row" } else { "rows" };
                self.text
                    .line(&format!("    {},    # {n} {rows}", quoted(word)));
            }
            self.text.line("]");
        }
    }
}

fn others(columns: &[&Column<'_>]) -> String {
    let names: Vec<String> = columns
        .iter()
        .take(OTHERS_SHOWN)
        .map(|column| shown(column.header))
        .collect();
    match columns.len() - names.len() {
        0 => names.join(", "),
        more => format!("{} or {more} more", names.join(", ")),
    }
}

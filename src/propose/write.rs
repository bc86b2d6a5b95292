//! Writes a mapping as a profile, with the evidence beside each choice.

use super::currency::CurrencyOrigin;
use super::ids::SaleId;
use super::mapping::Mapping;
use super::numbers::WrittenAmounts;
use super::table::{SampleColumn, SampleTable};
use super::text::{Snippet, place, quoted, shown};
use super::when::RowDate;
use super::{Sample, skip_lines};
use crate::event::AmountFormat;

/// The greatest number of other columns that are named beside a choice.
const OTHERS_SHOWN: usize = 4;

/// Writes the tables of one profile, in the order in which a person reads them.
pub(super) struct ProfileWriter<'w> {
    pub(super) name: &'w str,
    pub(super) mapping: &'w Mapping<'w>,
    pub(super) text: Snippet,
}

pub(super) fn proposal(
    name: &str,
    sample: &Sample<'_>,
    table: &SampleTable<'_>,
    mapping: &Mapping<'_>,
) -> Snippet {
    let mut writer = ProfileWriter {
        name,
        mapping,
        text: Snippet::default(),
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

impl ProfileWriter<'_> {
    pub(super) fn table(&mut self, of: &str) {
        let name = self.name;
        self.text.line("");
        self.text.line(&format!("[exports.{name}.{of}]"));
    }

    pub(super) fn entry(&mut self, of: &str) {
        let name = self.name;
        self.text.line("");
        self.text.line(&format!("[[exports.{name}.{of}]]"));
    }

    fn head(&mut self, sample: &Sample<'_>, table: &SampleTable<'_>) {
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
            "based_on",
            &format!("a proposal of `fprecon init` by {}", sample.extent()),
        );
        skip_lines(text, sample.lines_above);
    }

    fn columns(&mut self) {
        self.table("columns");
        self.id_column();
        self.customer_columns();
        self.amount_columns();
        self.date_columns();
        self.word_columns();
    }

    fn id_column(&mut self) {
        let text = &mut self.text;
        match &self.mapping.id {
            SaleId::Unique(column) => {
                text.comment(
                    "Identifies a sale: filled, and different in each row that may be an event.",
                );
                text.key("id", column.header);
            }
            SaleId::OfLines(column, proof) => {
                text.comment(&format!(
                    "An order over several rows that all say its amount, such as {}.",
                    place(proof)
                ));
                text.key("id", column.header);
            }
            SaleId::Asked(reasons) => {
                text.comment(&format!(
                    "No column is filled and different in each sale: {}. TO FILL IN: the column that identifies a payment. If only two columns do together, name one here and write both in each `event_id` below, such as `[\"{{id}}-{{created_at}}\"]`.",
                    reasons.join("; ")
                ));
                text.line("# id = \"…\"");
            }
        }
    }

    fn customer_columns(&mut self) {
        let mapping = self.mapping;
        let text = &mut self.text;
        if let Some(email) = mapping.email {
            let header = shown(email.header);
            if let Some(doubt) = &mapping.email_doubt {
                text.comment(&format!(
                    "{doubt}. TO FILL IN: the column of the customer's email"
                ));
                text.line(&format!("# email = {}", quoted(email.header)));
            } else {
                if !mapping.email_is_named {
                    text.guess(&format!(
                        "{header} is the customer: it has emails, and no column is called so"
                    ));
                }
                if !mapping.other_emails.is_empty() {
                    let others = others(&mapping.other_emails);
                    text.guess(&format!("{header} is the customer's, and not {others}"));
                }
                text.key("email", email.header);
            }
        }
        if let Some((_, why)) = &mapping.not_uid {
            text.guess(&format!("{why}: not a customer id, so it is not sent"));
        }
        if let Some(uid) = mapping.uid {
            if mapping.email.is_none() {
                text.comment(
                    "There is no email: FirstPromoter must know customers by this id (`uid`).",
                );
            }
            text.key("uid", uid.header);
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
        for part in &amounts.parts {
            text.key(part.key, part.column.header);
        }
        if let Some([tax, fee]) = amounts.tax_on_fee {
            text.guess(&format!(
                "{} is the tax on {}, not a part of the amount: the rate is the same in every row",
                shown(tax.header),
                shown(fee.header)
            ));
        }
        if let Some(refunded) = amounts.refunded {
            text.key("refunded", refunded.header);
        }
        if let Some(money_out) = amounts.money_out {
            text.key("money_out", money_out.header);
        }
        for (number, rival) in amounts.rivals.iter().enumerate() {
            text.key(&format!("other_amount_{}", number + 1), rival.header);
        }
        match &self.mapping.money {
            CurrencyOrigin::Column(currency, why) => {
                if let Some(why) = why {
                    text.guess(why);
                }
                text.key("currency", currency.header);
            }
            CurrencyOrigin::Signs(currency, decision) => {
                text.comment(&format!(
                    "Until you decide, {decision}. Write the codes into the export."
                ));
                text.key("currency", currency.header);
                text.decisions.push(decision.clone());
            }
            CurrencyOrigin::Asked(columns, why) => {
                text.comment(&format!("{why}. TO FILL IN: the column with the currency of the amounts. If none of them is it, set `currency` under `money` below instead of `currency_column`, and delete the question."));
                for column in columns {
                    text.line(&format!("# currency = {}", quoted(column.header)));
                }
            }
            CurrencyOrigin::Fixed(..) | CurrencyOrigin::Unknown(_) => {}
        }
    }

    fn date_columns(&mut self) {
        let mapping = self.mapping;
        let text = &mut self.text;
        match &mapping.date {
            RowDate::None => {}
            RowDate::Unread(date) => text.key("created_at", date.header),
            RowDate::Read(when) => {
                if !mapping.other_dates.is_empty() {
                    let others = others(&mapping.other_dates);
                    text.guess(&format!(
                        "{} is the date of the sale, and not {others}",
                        shown(when.date.header)
                    ));
                }
                text.key("created_at", when.date.header);
                for (key, column) in [("time", when.time), ("zone", when.zone)] {
                    if let Some(column) = column {
                        text.key(key, column.header);
                    }
                }
            }
        }
        if let Some(date) = mapping.paid_date {
            text.key("paid_at", date.header);
        }
        if let Some((date, _)) = &mapping.refund_date {
            text.key("refunded_at", date.header);
        }
    }

    fn word_columns(&mut self) {
        let mapping = self.mapping;
        let text = &mut self.text;
        if let Some(status) = &mapping.status {
            if let Some(other) = mapping.other_status {
                text.guess(&format!(
                    "{} is the status of the payment, and not {}",
                    shown(status.column.header),
                    shown(other.header)
                ));
            }
            if status.is_by_words {
                text.guess(&by_its_words(status.column));
            }
            text.key("status", status.column.header);
        }
        if let Some(kind) = &mapping.kind {
            if kind.is_by_words {
                text.guess(&by_its_words(kind.column));
            }
            text.key("kind", kind.column.header);
        }
        if let Some(sale) = mapping.link.column() {
            text.key("sale", sale.header);
        }
        if let Some((flag, _)) = &mapping.refunded_flag {
            text.key("refunded_flag", flag.header);
        }
        for (number, flag) in mapping.flags.iter().enumerate() {
            text.key(&flag_key(number), flag.column.header);
        }
    }

    fn money(&mut self) {
        self.table("money");
        match &self.mapping.money {
            CurrencyOrigin::Column(..) | CurrencyOrigin::Signs(..) | CurrencyOrigin::Asked(..) => {
                self.text.key("currency_column", "currency");
            }
            CurrencyOrigin::Fixed(currency, why) => {
                self.text
                    .guess(&format!("amounts are in {currency}: {why}"));
                self.text.key("currency", currency.code());
            }
            CurrencyOrigin::Unknown(why) => {
                self.text
                    .comment(&format!("The currency is open: {why}. TO FILL IN, such as"));
                self.text.line("# currency = \"USD\"");
            }
        }
        self.amount_format();
    }

    /// Adds how amounts are written, as far as they show it.
    fn amount_format(&mut self) {
        self.table("money.format");
        let is_whole_currency = self.is_whole_currency();
        let text = &mut self.text;
        let written = &self.mapping.amounts.written;
        match written {
            WrittenAmounts::Decimal(format, proof) => {
                text.comment(&format!("{}.", place(proof)));
                text.key("decimal", &format.decimal.to_string());
            }
            WrittenAmounts::Whole(_, proof) => {
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
            WrittenAmounts::Ambiguous(_, proof) => {
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
            WrittenAmounts::Mixed(_, one, other) => {
                text.comment(&format!(
                    "{}, but {}. TO FILL IN: the rows written the other way will be rejected",
                    place(one),
                    place(other)
                ));
                text.line("# decimal = \".\"");
                text.line("# decimal = \",\"");
            }
        }
        self.separators();
    }

    /// Adds what else is in an amount: separators of thousands, parentheses, symbols.
    fn separators(&mut self) {
        let text = &mut self.text;
        let written = &self.mapping.amounts.written;
        let AmountFormat {
            decimal,
            thousands,
            has_parentheses: parentheses,
            strip,
            ..
        } = written.format();
        if let Some(thousands) = thousands {
            if matches!(written, WrittenAmounts::Whole(..)) {
                text.key("decimal", &decimal.to_string());
            }
            text.key("thousands", &thousands.to_string());
        }
        if *parentheses {
            text.line("parentheses = true    # (5.00) is minus five");
        }
        if let Some(symbol) = strip {
            text.key("strip", symbol);
        }
    }

    /// Returns `true` if the currency has no minor unit in use.
    fn is_whole_currency(&self) -> bool {
        let all_whole = |column: &SampleColumn<'_>| {
            column.is_all(|value| {
                crate::event::Currency::from_code(value)
                    .is_some_and(|currency| currency.exponent() == 0)
            })
        };
        match &self.mapping.money {
            CurrencyOrigin::Column(column, _) => all_whole(column),
            CurrencyOrigin::Fixed(currency, _) => currency.exponent() == 0,
            CurrencyOrigin::Signs(..) | CurrencyOrigin::Asked(..) | CurrencyOrigin::Unknown(_) => {
                false
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

    /// Adds the questions that have to be answered before the profile can be used.
    fn asks(&mut self) {
        let mapping = self.mapping;
        let mut asks: Vec<(&str, String)> = Vec::new();
        match &mapping.money {
            CurrencyOrigin::Unknown(why) => asks.push((
                "money.currency",
                format!("{why}: in which one are its amounts?"),
            )),
            CurrencyOrigin::Asked(columns, why) => {
                let which = if columns.len() > 1 {
                    "which one is"
                } else {
                    "is it"
                };
                let total = shown(mapping.amounts.total.header);
                let question = format!("{why}: {which} the currency of {total}?");
                asks.push(("columns.currency", question));
            }
            CurrencyOrigin::Column(..) | CurrencyOrigin::Signs(..) | CurrencyOrigin::Fixed(..) => {}
        }
        asks.extend(self.amount_question());
        asks.extend(self.date_questions());
        if let SaleId::Asked(reasons) = &mapping.id {
            asks.push((
                "columns.id",
                format!("which column identifies a payment? {}", reasons.join("; ")),
            ));
        }
        if let Some(doubt) = &mapping.email_doubt {
            asks.push((
                "columns.email",
                format!("{doubt}: which column has the customer's email?"),
            ));
        }
        for (key, question) in asks {
            self.entry("ask");
            self.text.key("key", key);
            self.text.key("question", &question);
            self.text.questions.push(question);
        }
    }

    fn amount_question(&self) -> Option<(&'static str, String)> {
        match &self.mapping.amounts.written {
            WrittenAmounts::Ambiguous(_, proof) => Some((
                "money.format.decimal",
                format!(
                    "is the separator in {} for thousands or for decimals?",
                    shown(&proof.value)
                ),
            )),
            WrittenAmounts::Mixed(_, one, other) => Some((
                "money.format.decimal",
                format!(
                    "amounts are written in two ways, such as {} and {}: which one is right?",
                    shown(&one.value),
                    shown(&other.value)
                ),
            )),
            WrittenAmounts::Whole(_, proof) if !self.is_whole_currency() => Some((
                "money.format.unit",
                format!(
                    "is an amount such as {} in cents (`minor`), or not (`major`)?",
                    shown(&proof.value)
                ),
            )),
            WrittenAmounts::Whole(..) | WrittenAmounts::Decimal(..) => None,
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
            .comment("The known values of a column; a row with any other value is rejected.");
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

/// Returns the name of a column that says of a row that it may not be money received.
pub(super) fn flag_key(number: usize) -> String {
    format!("flag_{}", number + 1)
}

/// Returns why a column says what a row is although its name does not.
fn by_its_words(column: &SampleColumn<'_>) -> String {
    format!(
        "{} says which rows are payments: its words are those of such a column",
        shown(column.header)
    )
}

fn others(columns: &[&SampleColumn<'_>]) -> String {
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

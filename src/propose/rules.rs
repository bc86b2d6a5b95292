//! Writes the rules of a proposed profile: which rows are events, which are not, and which need a
//! decision by a person.

use super::amount::AmountPart;
use super::flags::{FlagColumn, FlagQuestion, Marks, says_received};
use super::ids::SaleLink;
use super::names::{self, WordMeaning};
use super::numbers::is_zero;
use super::text::{list, quoted, shown};
use super::when::RowDate;
use super::words::WordColumn;
use super::write::{ProfileWriter, flag_key};

/// The message of a row whose status is a refund.
const NOT_HOW_MUCH: &str = "the row shows a refund without its amount";

/// The greatest number of open words in a question.
const OPEN_SHOWN: usize = 6;

/// A rule for rows that are not events.
struct Ignored<'r> {
    column: &'r str,
    words: &'r [&'r str],
    reason: ExclusionReason,
    guess: &'r str,
}

/// The reason why rows are not events.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ExclusionReason {
    /// Nothing was paid, and nothing will be.
    NotPaid,
    /// Nothing was paid so far.
    NotYetPaid,
    NotAPayment,
    Test,
}

impl ExclusionReason {
    fn text(self) -> &'static str {
        match self {
            ExclusionReason::NotPaid | ExclusionReason::NotYetPaid => "not paid",
            ExclusionReason::NotAPayment => "not a payment by a customer",
            ExclusionReason::Test => "a test",
        }
    }
}

impl ProfileWriter<'_> {
    /// Writes the rules for rows that are not events, and for rows of which it is not known.
    pub(super) fn rules(&mut self) {
        let mapping = self.mapping;
        if mapping.continues {
            self.text.line("");
            self.text
                .guess("a row without an amount belongs to the row above it that has the same id");
            let name = self.name;
            self.text.line(&format!("[exports.{name}.continuation]"));
            self.text.line("same = [\"id\"]");
            self.text.line("when = { amount = { empty = true } }");
        }
        if let Some(status) = &mapping.status {
            self.status_rules(status);
        }
        if let Some(kind) = &mapping.kind {
            self.ignored(&Ignored {
                column: "kind",
                words: &kind.words_meaning(WordMeaning::Other),
                reason: ExclusionReason::NotAPayment,
                guess: "these are not payments by customers",
            });
            self.rejected(
                "kind",
                &kind.words_meaning(WordMeaning::Unclear),
                "unknown if this is a sale",
            );
        }
        self.flag_rules();
        self.entry("ignore");
        self.text.line("when = { amount = { sign = \"zero\" } }");
        if mapping.amounts.money_out.is_some() {
            self.text
                .line("unless = { money_out = { not_sign = [\"zero\"] } }");
        }
        self.text.key("reason", "zero amount");
        self.money_out();
        self.amount_rules();
        self.negatives();
    }

    /// Writes the rules for columns of yes, no or a date that show that a row is not a sale, or was
    /// refunded.
    fn flag_rules(&mut self) {
        let mapping = self.mapping;
        for (number, flag) in mapping.flags.iter().enumerate() {
            self.flag(&flag_key(number), flag);
        }
        self.without_payment();
        if let Some((column, _)) = mapping.refund_date
            && !mapping.has_refunds()
        {
            self.entry("reject");
            self.text.line("when = { refunded_at = { empty = false } }");
            self.text.key("column", "refunded_at");
            self.text.key("message", NOT_HOW_MUCH);
            self.text.decisions.push(format!(
                "rows with {} are rejected: how much of them was refunded?",
                shown(column.header)
            ));
        }
        if let Some((_, no)) = &mapping.refunded_flag {
            self.entry("reject");
            let mut no = no.clone();
            no.push("");
            self.text.line(&format!(
                "when = {{ refunded_flag = {{ not = {} }} }}",
                list(&no)
            ));
            self.text.key("column", "refunded_flag");
            self.text.key("message", NOT_HOW_MUCH);
        }
    }

    /// Writes the rules for a column that says of a row that it may not be money received: what it excludes is
    /// ignored, and what is open is rejected, whatever words later exports have.
    fn flag(&mut self, key: &str, flag: &FlagColumn<'_>) {
        let header = shown(flag.column.header);
        if let Marks::Words { excluded, .. } = &flag.marks {
            let (reason, what) = match flag.question {
                FlagQuestion::Test | FlagQuestion::Live => (ExclusionReason::Test, "are tests"),
                _ if names::FOR_GOOD.rank(flag.column.header).is_some() => {
                    (ExclusionReason::NotPaid, "were not paid")
                }
                _ => (ExclusionReason::NotYetPaid, "were not paid"),
            };
            let guess = format!("rows in which {header} says this {what}");
            self.ignored(&Ignored {
                column: key,
                words: excluded,
                reason,
                guess: &guess,
            });
        }
        let open = flag.open_words();
        self.text.line("");
        let until = if open.is_empty() {
            ""
        } else {
            " until you decide"
        };
        let keep = match flag.marks {
            Marks::Words { .. } => "add its word to the list",
            Marks::Open(_) => "remove its word from the list",
            Marks::Filled | Marks::Empty | Marks::Amount | Marks::Any => "delete this rule",
        };
        if let Some(what) = flag.subtract(key) {
            self.text.comment(&what);
        }
        let total = shown(self.mapping.amounts.total.header);
        let date = self.and_its_date();
        self.text.comment(&match flag.question {
            FlagQuestion::Tax => format!(
                "Rejected until you decide: rows that are taxed, by {header}. If {total} does not include the tax, delete this rule. If it does, export the amounts without tax, or the tax as an amount in a column of its own: it can't be worked out here."
            ),
            FlagQuestion::Refund => format!(
                "Rejected until you decide: rows with {header}. If they are refunds of the sale that it names, delete this rule, add `when = {{ {key} = {{ empty = true }} }}` to the sale below, and write another `event` below it, with `kind = \"refund\"`, `when = {{ {key} = {{ empty = false }} }}`, `event_id = [\"{{id}}\"]`, `sale_event_id = [\"{{{key}}}\"]`, `amount = {{ column = \"amount\", sign = \"any\" }}`{date}. If they are sales, delete this rule."
            ),
            _ => format!(
                "Rejected{until}: rows whose {header} does not say that they are payments. If such a row is a sale, {keep}. If it is not, write `ignore` instead of `reject`, and `reason = \"not paid\"` and `not_paid = true` instead of `column`, `message` and `hint`."
            ),
        });
        let name = self.name;
        self.text.line(&format!("[[exports.{name}.reject]]"));
        self.flag_when(key, flag);
        self.text.key("column", key);
        self.text.key(
            "message",
            &match flag.question {
                FlagQuestion::Tax => format!("unknown if the amount includes the tax of {header}"),
                _ => format!("unknown if this is a sale: {header}"),
            },
        );
        self.text.key(
            "hint",
            "decide it in fprecon.toml, at the rule with this message",
        );
        if !open.is_empty() {
            let question = flag.open_question(&shown(self.mapping.amounts.total.header));
            self.text.decisions.push(match flag.marks {
                Marks::Any => format!("all rows are rejected because of {header}: {question}"),
                _ => format!(
                    "rows with {} in {header} are rejected: {question}",
                    open_shown(&open)
                ),
            });
        }
    }

    /// Writes which rows are open because of such a column.
    fn flag_when(&mut self, key: &str, flag: &FlagColumn<'_>) {
        match &flag.marks {
            Marks::Words { payment, excluded } => {
                let mut words = [payment.as_slice(), excluded].concat();
                words.extend(flag.has_empty_payments().then_some(""));
                let words = list(&words);
                self.text
                    .line(&format!("when = {{ {key} = {{ not = {words} }} }}"));
            }
            Marks::Open(words) => {
                self.text
                    .line(&format!("when = {{ {key} = {} }}", list(words)));
            }
            Marks::Empty => self
                .text
                .line(&format!("when = {{ {key} = {{ empty = true }} }}")),
            Marks::Filled | Marks::Amount => {
                self.text
                    .line(&format!("when = {{ {key} = {{ empty = false }} }}"));
            }
            Marks::Any => {
                self.text
                    .line("when = { amount = { not_sign = [\"zero\"] } }");
                self.text.line("unless = { amount = { empty = true } }");
            }
        }
        if flag.marks == Marks::Amount {
            self.text
                .line(&format!("unless = {{ {key} = {{ sign = \"zero\" }} }}"));
        }
    }

    /// Writes the rule for rows without a date of payment, if nothing else shows that they were
    /// paid.
    fn without_payment(&mut self) {
        let Some(column) = self.mapping.paid_date else {
            return;
        };
        let date = shown(column.header);
        self.text.line("");
        self.text.comment(&format!(
            "Rejected until you decide: a row without {date}. If it was not paid, write `ignore` instead of `reject`, and `reason = \"not paid\"` and `not_paid = true` instead of `column`, `message` and `hint`. If it was, delete this rule."
        ));
        let name = self.name;
        self.text.line(&format!("[[exports.{name}.reject]]"));
        self.text.line("when = { paid_at = { empty = true } }");
        self.text.key("column", "paid_at");
        self.text.key(
            "message",
            "the row has no date of payment: unknown if it was paid",
        );
        self.text.key(
            "hint",
            "decide it in fprecon.toml, at the rule with this message",
        );
        self.text
            .decisions
            .push(format!("rows without {date} are rejected: were they paid?"));
    }

    fn status_rules(&mut self, status: &WordColumn<'_>) {
        let mapping = self.mapping;
        let has_totals = mapping.amounts.refunded.is_some();
        if let Some(why) = &status.why {
            self.text.line("");
            self.text.guess(why);
        }
        let no_money = status.words_meaning(WordMeaning::NoMoney).into_iter();
        let (not_yet, not_paid): (Vec<_>, Vec<_>) =
            no_money.partition(|word| names::is_not_yet(word));
        self.ignored(&Ignored {
            column: "status",
            words: &not_paid,
            reason: ExclusionReason::NotPaid,
            guess: "these were not paid",
        });
        self.ignored(&Ignored {
            column: "status",
            words: &not_yet,
            reason: ExclusionReason::NotYetPaid,
            guess: "these were not paid yet",
        });
        let mut unclear = status.words_meaning(WordMeaning::Unclear);
        unclear.extend(status.words_meaning(WordMeaning::Processing));
        self.rejected("status", &unclear, "unknown if this is a sale");
        let refunded = status.words_meaning(WordMeaning::Refund);
        if has_totals && !refunded.is_empty() {
            self.entry("reject");
            let words = list(&refunded);
            self.text.line(&format!(
                "when = {{ status = {words}, refunded = {{ not_sign = [\"positive\"] }} }}"
            ));
            self.text.key("column", "refunded");
            self.text.key("message", NOT_HOW_MUCH);
        }
        if !has_totals && mapping.kind.is_none() {
            self.rejected("status", &refunded, NOT_HOW_MUCH);
        }
    }

    /// Writes the rule for amounts below zero that no column shows to be refunds.
    fn negatives(&mut self) {
        let mapping = self.mapping;
        if mapping.negatives == 0 || mapping.negative_is_refund {
            return;
        }
        let total = shown(mapping.amounts.total.header);
        self.text.line("");
        self.text.comment(&format!(
            "Rejected: {total} is below zero, and no column shows if that is a refund, and of which sale."
        ));
        let name = self.name;
        self.text.line(&format!("[[exports.{name}.reject]]"));
        self.text
            .line("when = { amount = { sign = \"negative\" } }");
        self.text.key("column", "amount");
        self.text.key(
            "message",
            "the amount is below zero: unknown if this is a refund, and of which sale",
        );
        self.text.key(
            "hint",
            "docs/profiles.md shows an `event` of the kind `refund` for such rows, under Ids",
        );
        self.text.decisions.push(format!(
            "rows with {total} below zero are rejected ({}): are they refunds, and of which sales?",
            mapping.negatives
        ));
    }

    /// Rows of money that went out, of which nothing says whether it was paid back to a customer.
    fn money_out(&mut self) {
        let Some(column) = self.mapping.amounts.money_out else {
            return;
        };
        let (out, name) = (shown(column.header), self.name);
        let date = self.and_its_date();
        self.text.line("");
        self.text.comment(&format!(
            "Rejected until you decide: a row with {out}. If it is not about a customer's payment, write `ignore` instead of `reject`, and `reason = \"money that went out\"` instead of `column`, `message` and `hint`. If it was paid back to a customer, delete this rule, add `when = {{ amount = {{ sign = \"positive\" }} }}` to the sale below, and write another `event` below it, with `kind = \"refund\"`, `when = {{ money_out = {{ sign = \"positive\" }} }}`, `event_id = [\"{{id}}\"]`, `amount = \"money_out\"`{date}. Where a column names the sale of a refund, `sale_event_id` takes it: docs/profiles.md; without one, refunds are held."
        ));
        self.text.line(&format!("[[exports.{name}.reject]]"));
        self.text.line("when = { money_out = { empty = false } }");
        self.text
            .line("unless = { money_out = { sign = \"zero\" } }");
        self.text.key("column", "money_out");
        self.text.key(
            "message",
            "money that went out: whether it was paid back to a customer is not known",
        );
        self.text.key(
            "hint",
            "decide it in fprecon.toml, at the rule with this message",
        );
        self.text.decisions.push(format!(
            "rows with {out} are rejected: was it paid back to customers?"
        ));
    }

    fn ignored(&mut self, rule: &Ignored<'_>) {
        let (column, words) = (rule.column, rule.words);
        if words.is_empty() {
            return;
        }
        self.text.line("");
        let guess = format!("{}: {}", rule.guess, words_shown(words));
        self.text.guess(&guess);
        let name = self.name;
        self.text.line(&format!("[[exports.{name}.ignore]]"));
        self.text
            .line(&format!("when = {{ {column} = {} }}", list(words)));
        self.text.key("reason", rule.reason.text());
        if rule.reason == ExclusionReason::NotPaid {
            self.text
                .line("not_paid = true    # if an earlier run sent its sale, the refund is held");
        }
    }

    fn rejected(&mut self, column: &str, words: &[&str], message: &str) {
        if words.is_empty() {
            return;
        }
        self.text.line("");
        let refund = if self.has_refund_rows() {
            "move it to the `when` of the refund".to_owned()
        } else {
            format!(
                "remove it from here, and write another `event` below the sale, with `kind = \"refund\"`, `when = {{ {column} = \"…\" }}` with the word, `event_id = [\"{{id}}\"]`{}, `amount = {{ column = \"amount\", sign = \"any\" }}`{}",
                match self.mapping.link.column() {
                    Some(_) => ", `sale_event_id = [\"{sale}\"]`",
                    None => "",
                },
                self.and_its_date()
            )
        };
        self.text.comment(&format!(
            "Rejected until you decide. If such a row is a sale, move its word from here to the `when` of the sale below. If it is a refund, {refund}. If it is neither, write `ignore` instead of `reject`, and `reason = \"not paid\"` and `not_paid = true` instead of `column`, `message` and `hint`."
        ));
        self.text.decisions.push(format!(
            "rows that say {} are rejected: are they sales, or refunds?",
            words_shown(words)
        ));
        let name = self.name;
        self.text.line(&format!("[[exports.{name}.reject]]"));
        self.text
            .line(&format!("when = {{ {column} = {} }}", list(words)));
        self.text.key("column", column);
        self.text.key("message", message);
        self.text.key(
            "hint",
            "decide it in fprecon.toml, at the `reject` with this value: the comment above it says how",
        );
    }

    fn amount_rules(&mut self) {
        let amounts = &self.mapping.amounts;
        for part in &amounts.parts {
            let (key, column) = (part.key, part.column);
            if part.part != AmountPart::Unknown {
                continue;
            }
            let (total, part) = (shown(amounts.total.header), shown(column.header));
            self.text.line("");
            self.text.comment(&format!(
                "Rejected until you decide: unknown if {total} includes {part}. Delete this rule, and if it does, subtract it: `minus = [\"{key}\"]` in `amount` below."
            ));
            let name = self.name;
            self.text.line(&format!("[[exports.{name}.reject]]"));
            self.text
                .line(&format!("when = {{ {key} = {{ empty = false }} }}"));
            self.text
                .line(&format!("unless = {{ {key} = {{ sign = \"zero\" }} }}"));
            self.text.key("column", key);
            self.text.key(
                "message",
                &format!("unknown if the amount includes this {key}"),
            );
            self.text.key(
                "hint",
                "decide it in fprecon.toml, at the rule with this message",
            );
            if column.values().any(|(value, _)| !is_zero(value)) {
                self.text.decisions.push(format!(
                    "rows with {part} are rejected: does {total} include it?"
                ));
            }
        }
        self.rivals();
    }

    fn rivals(&mut self) {
        let amounts = &self.mapping.amounts;
        for (number, rival) in amounts.rivals.iter().enumerate() {
            let (total, rival) = (shown(amounts.total.header), shown(rival.header));
            self.text.line("");
            self.text.comment(&format!(
                "Rejected until you decide: where {total} and {rival} differ, which one is the sale? Delete this rule, and swap them under `columns` if it is {rival}."
            ));
            let name = self.name;
            self.text.line(&format!("[[exports.{name}.reject]]"));
            self.text.line(&format!(
                "when = {{ amount = {{ not_sum = [\"other_amount_{}\"] }} }}",
                number + 1
            ));
            self.text.key("column", "amount");
            self.text.key(
                "message",
                &format!("{total} and {rival} differ: unknown which one is the sale"),
            );
            self.text.key(
                "hint",
                "decide it in fprecon.toml, at the rule with this message",
            );
            self.text.decisions.push(format!(
                "rows in which {total} and {rival} differ are rejected: which one is the sale?"
            ));
        }
        if amounts.refunded.is_some() {
            self.entry("reject");
            self.text
                .line("when = { refunded = { sign = \"negative\" } }");
            self.text.key("column", "refunded");
            self.text
                .key("message", "the refunded amount is below zero");
        }
    }

    /// Returns the names of the parts that are, or are not, inside the amount.
    fn parts(&self, are: impl Fn(&AmountPart) -> bool) -> Vec<&'static str> {
        let parts = self.mapping.amounts.parts.iter();
        let found = parts.filter(|part| are(&part.part));
        found.map(|part| part.key).collect()
    }

    /// Returns the parts inside the amount that have to be subtracted.
    fn minus(&self) -> Vec<&'static str> {
        self.parts(|part| matches!(part, AmountPart::Inside(_)))
    }

    fn amount(&self) -> String {
        match self.minus().as_slice() {
            [] => "\"amount\"".to_owned(),
            minus => format!("{{ column = \"amount\", minus = {} }}", list(minus)),
        }
    }

    /// Writes the date of an event.
    fn created_at(&mut self, of_refund: &[&str]) {
        let all: Vec<String> = of_refund
            .iter()
            .map(|key| quoted(key))
            .chain(self.date())
            .collect();
        if !all.is_empty() {
            self.text
                .line(&format!("created_at = [{}]", all.join(", ")));
        }
    }

    /// Returns the end of a comment that says how to write the event of a refund: its date.
    fn and_its_date(&self) -> String {
        let date = self.date();
        date.map_or(String::new(), |date| {
            format!(" and `created_at = [{date}]`")
        })
    }

    /// Returns the date of a row, as a profile names it.
    fn date(&self) -> Option<String> {
        match &self.mapping.date {
            RowDate::None => None,
            RowDate::Unread(_) => Some(quoted("created_at")),
            RowDate::Read(when) => {
                let parts: Vec<String> = [("time", when.time), ("zone", when.zone)]
                    .into_iter()
                    .filter(|(_, column)| column.is_some())
                    .map(|(key, _)| format!(", {key} = {}", quoted(key)))
                    .collect();
                Some(if parts.is_empty() {
                    quoted("created_at")
                } else {
                    format!("{{ date = \"created_at\"{} }}", parts.concat())
                })
            }
        }
    }

    /// Returns the date of the refund itself, if it has a column.
    fn refund_date(&self) -> &'static [&'static str] {
        match self.mapping.refund_date {
            Some(_) => &["refunded_at"],
            None => &[],
        }
    }

    pub(super) fn sale(&mut self) {
        let mapping = self.mapping;
        self.text.line("");
        for part in &mapping.amounts.parts {
            let column = shown(part.column.header);
            match &part.part {
                AmountPart::Inside(why) => self.text.guess(&format!(
                    "{column} is inside the amount and is subtracted: {why}"
                )),
                AmountPart::Outside(why) => self
                    .text
                    .guess(&format!("{column} is not inside the amount: {why}")),
                AmountPart::Unknown => {}
            }
        }
        let is_said =
            mapping.kind.is_some() || mapping.negative_is_refund || mapping.link_is_refund;
        let is_said = is_said || mapping.paid_date.is_some() || says_received(&mapping.flags);
        if mapping.status.is_none() && !is_said {
            let every = if mapping.flags.is_empty() {
                "every row"
            } else {
                "every other row"
            };
            self.text.guess(&format!(
                "{every} is a sale: no column shows if it was paid"
            ));
        }
        let name = self.name;
        self.text.line(&format!("[[exports.{name}.event]]"));
        self.text.key("kind", "sale");
        self.when(WordMeaning::Sale);
        self.sale_id();
        let amount = self.amount();
        self.text.line(&format!("amount = {amount}"));
        self.gross();
        self.created_at(&[]);
    }

    /// Writes the condition for rows of a type with this meaning, and of a status which means that
    /// money has moved: an event lists the words that it is for.
    fn when(&mut self, meaning: WordMeaning) {
        let mapping = self.mapping;
        let mut tests = Vec::new();
        if let Some(status) = &mapping.status {
            let mut words = status.words_meaning(WordMeaning::Sale);
            if mapping.amounts.refunded.is_some() || mapping.kind.is_some() {
                words.extend(status.words_meaning(WordMeaning::Refund));
            }
            tests.push(format!("status = {}", list(&words)));
        }
        if let Some(kind) = &mapping.kind {
            tests.push(format!("kind = {}", list(&kind.words_meaning(meaning))));
        }
        if mapping.link_is_refund {
            let is_sale = meaning != WordMeaning::Refund;
            tests.push(format!("sale = {{ empty = {is_sale} }}"));
        }
        if mapping.negative_is_refund {
            let sign = match meaning {
                WordMeaning::Refund => "negative",
                _ => "positive",
            };
            tests.push(format!("amount = {{ sign = {} }}", quoted(sign)));
        }
        if !tests.is_empty() {
            self.text
                .line(&format!("when = {{ {} }}", tests.join(", ")));
        }
    }

    /// Writes the id of a sale: the one that its refunds name, else the id of its row.
    fn sale_id(&mut self) {
        if let SaleLink::Shares(_) = self.mapping.link {
            self.text.line("event_id = [\"{sale}\", \"{id}\"]");
            self.text.line("reference = [\"{id}\"]");
        } else {
            self.text.line("event_id = [\"{id}\"]");
        }
    }

    /// Returns `true` if refunds have rows of their own.
    fn has_refund_rows(&self) -> bool {
        let mapping = self.mapping;
        let has_kind = mapping
            .kind
            .as_ref()
            .is_some_and(|kind| !kind.words_meaning(WordMeaning::Refund).is_empty());
        has_kind || mapping.negative_is_refund || mapping.link_is_refund
    }

    pub(super) fn refunds(&mut self) {
        let mapping = self.mapping;
        if self.has_refund_rows() {
            self.refund_rows();
        } else if mapping.amounts.refunded.is_some() {
            self.running_totals();
        }
    }

    fn refund_rows(&mut self) {
        let mapping = self.mapping;
        self.text.line("");
        match mapping.link {
            SaleLink::Names(sale) => self.text.guess(&format!("{} names the sale that a refund is of", shown(sale.header))),
            SaleLink::Shares(sale) => self.text.guess(&format!("{} is the same for a sale and its refunds", shown(sale.header))),
            SaleLink::None => self.text.comment("No column names the sale of a refund: such rows are held, never sent. `sale_event_id` would name it."),
        }
        let name = self.name;
        self.text.line(&format!("[[exports.{name}.event]]"));
        self.text.key("kind", "refund");
        self.when(WordMeaning::Refund);
        self.text.line("event_id = [\"{id}\"]");
        if mapping.link.column().is_some() {
            self.text.line("sale_event_id = [\"{sale}\"]");
        }
        let minus = self.minus();
        let minus = if minus.is_empty() {
            String::new()
        } else {
            format!(", minus = {}", list(&minus))
        };
        self.text.line(&format!(
            "amount = {{ column = \"amount\", sign = \"any\"{minus} }}"
        ));
        self.created_at(self.refund_date());
    }

    /// Writes the event for a running total on the row of the sale; linking deducts its share of
    /// tax and shipping.
    fn running_totals(&mut self) {
        let mapping = self.mapping;
        self.text.line("");
        let refunded = mapping
            .amounts
            .refunded
            .map_or(String::new(), |column| shown(column.header));
        self.text.guess(&format!(
            "{refunded} is the total refunded for the sale so far"
        ));
        let name = self.name;
        self.text.line(&format!("[[exports.{name}.event]]"));
        self.text.key("kind", "refund");
        self.text
            .line("when = { refunded = { sign = \"positive\" } }");
        let sale = match mapping.link {
            SaleLink::Shares(_) => "[\"{sale}\", \"{id}\"]",
            SaleLink::Names(_) | SaleLink::None => "[\"{id}\"]",
        };
        self.text.line(&format!("sale_event_id = {sale}"));
        self.text.line("running_total = true");
        if mapping.refund_date.is_none() {
            let note = "the export has no date for the refund: dated as its sale";
            self.text.key("note", note);
        }
        self.text.line("amount = \"refunded\"");
        self.created_at(self.refund_date());
    }

    /// Writes the whole paid amount, if the amount is a part of it: refunds are compared with the
    /// whole.
    fn gross(&mut self) {
        let outside = self.parts(|part| matches!(part, AmountPart::Outside(_)));
        if self.mapping.amounts.refunded.is_some() && !outside.is_empty() {
            let plus = list(&outside);
            self.text
                .line(&format!("gross = {{ column = \"amount\", plus = {plus} }}"));
        }
    }
}

fn words_shown(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| shown(word)).collect();
    words.join(", ")
}

/// Returns words for a question, where the empty one is an empty cell.
fn open_shown(words: &[&str]) -> String {
    let first = words.iter().take(OPEN_SHOWN);
    let mut named: Vec<String> = first
        .map(|word| match *word {
            "" => "nothing".to_owned(),
            word => shown(word),
        })
        .collect();
    if words.len() > OPEN_SHOWN {
        named.push(format!("{} more", words.len() - OPEN_SHOWN));
    }
    named.join(", ")
}

//! The sheets of figures: the summary, and the balance with its formulas.

use rust_xlsxwriter::{ColNum, Format, Formula, Workbook, Worksheet, XlsxError};

use super::sheets::{AmountFormats, count_format, head_format, number_of, print_on_pages};
use crate::event::{Currency, Kind, Sum, Tally};
use crate::invisible::shown;
use crate::journal::PlanState;
use crate::report::books::ReportSource;
use crate::report::open_words::open_lines;
use crate::report::outcomes::{OutcomesSummary, outcome_word};
use crate::report::summary::RunSummary;

/// A sheet that is written from top to bottom.
struct SheetWriter {
    sheet: Worksheet,
    row: u32,
    amounts: AmountFormats,
    head: Format,
    count: Format,
    difference: Format,
}

impl SheetWriter {
    fn start(workbook: &mut Workbook, name: &str, widths: &[u16]) -> Result<Self, XlsxError> {
        let mut sheet = workbook.new_worksheet_with_constant_memory()?;
        sheet.set_name(name)?;
        print_on_pages(&mut sheet, widths.iter().copied());
        for (column, width) in (0..).zip(widths) {
            sheet.set_column_width(column, *width)?;
        }
        Ok(SheetWriter {
            sheet,
            row: 0,
            amounts: AmountFormats::default(),
            head: head_format(),
            count: count_format(),
            difference: Format::new().set_num_format("#,##0.00;[Red]-#,##0.00;0"),
        })
    }

    fn head(&mut self, titles: &[&str]) -> Result<(), XlsxError> {
        for (column, title) in (0..).zip(titles) {
            self.sheet
                .write_string_with_format(self.row, column, *title, &self.head)?;
        }
        self.row += 1;
        Ok(())
    }

    fn text(&mut self, column: ColNum, text: &str) -> Result<(), XlsxError> {
        self.sheet.write_string(self.row, column, shown(text))?;
        Ok(())
    }

    fn number(&mut self, column: ColNum, number: u64) -> Result<(), XlsxError> {
        match number_of(i128::from(number), 0) {
            Some(count) => {
                let format = &self.count;
                self.sheet
                    .write_number_with_format(self.row, column, count, format)?;
            }
            None => {
                self.sheet
                    .write_string(self.row, column, number.to_string())?;
            }
        }
        Ok(())
    }

    fn amount(&mut self, column: ColNum, cents: i128, currency: Currency) -> Result<(), XlsxError> {
        let (sheet, row) = (&mut self.sheet, self.row);
        self.amounts.amount(sheet, row, column, cents, currency)
    }

    fn count_of(&mut self, label: &str, number: u64) -> Result<(), XlsxError> {
        self.text(0, label)?;
        self.number(1, number)?;
        self.row += 1;
        Ok(())
    }

    /// Writes a row for each currency of a tally: events and amount.
    fn tally(&mut self, label: &str, tally: &Tally) -> Result<(), XlsxError> {
        if tally.count() == 0 {
            return self.count_of(label, 0);
        }
        for kind in Kind::ALL {
            let of_kind = tally.iter().filter(|(of, _, _)| *of == kind);
            for (kind, currency, sum) in of_kind {
                self.text(0, label)?;
                self.number(1, sum.count)?;
                self.text(2, kind.as_str())?;
                if let Some(currency) = currency {
                    self.text(3, currency.code())?;
                    self.amount(4, sum.amount_cents, currency)?;
                }
                self.row += 1;
            }
        }
        Ok(())
    }
}

/// Writes the summary: what was read, the outcomes, and the exports.
pub(super) fn summary(
    workbook: &mut Workbook,
    books: &ReportSource<'_>,
    summary: &RunSummary,
) -> Result<(), XlsxError> {
    let mut page = SheetWriter::start(workbook, "Summary", &[34, 16, 16, 12, 20, 66])?;
    let title = Format::new().set_bold().set_font_size(14);
    page.sheet
        .write_string_with_format(0, 0, "Reconciliation with FirstPromoter", &title)?;
    page.row = 1;
    page.text(0, "run")?;
    page.text(1, &summary.run)?;
    page.row += 1;
    if let Some(run) = books.runs().first() {
        page.text(0, "started")?;
        page.text(1, &run.started.to_string())?;
        page.row += 1;
    }
    if let Some(span) = &summary.span {
        for (head, what) in open_lines(span) {
            page.text(0, &head)?;
            page.text(1, &what)?;
            page.row += 1;
        }
    }
    page.text(
        0,
        "All times are in UTC. Amounts of sales and refunds are both positive.",
    )?;
    page.row += 2;

    let rows = summary.reading.rows;
    page.head(&["rows", ""])?;
    page.count_of("read", rows.read)?;
    page.count_of("with events", rows.with_events)?;
    page.count_of("ignored", rows.ignored)?;
    page.count_of("rejected", rows.rejected)?;
    page.row += 1;

    page.head(&["events", "number", "kind", "currency", "amount"])?;
    page.tally("read", &summary.reading.events.read)?;
    for &state in PlanState::ALL {
        page.tally(
            &words(state.as_str()),
            &summary.reading.events.for_state(state),
        )?;
    }
    page.row += 1;
    page.head(&["outcomes", "number", "kind", "currency", "amount"])?;
    for outcome in OutcomesSummary::all() {
        let tally = summary.outcomes.for_outcome(outcome);
        page.tally(&words(outcome_word(outcome)), &tally)?;
    }
    page.row += 1;
    commissions(&mut page, summary)?;
    attention(&mut page, summary)?;
    page.count_of("requests", summary.requests)?;
    page.count_of("seconds of sending", summary.elapsed_seconds)?;
    page.row += 1;
    exports(&mut page, summary)?;
    workbook.push_worksheet(page.sheet);
    Ok(())
}

/// Writes the commission of each promoter, and their sum.
fn commissions(page: &mut SheetWriter, summary: &RunSummary) -> Result<(), XlsxError> {
    for (currency, own) in &summary.commission_cents {
        page.head(&["commission by promoter", "", "", "currency", "amount"])?;
        let all = own.values().sum::<i128>();
        for (name, cents) in own
            .iter()
            .map(|(name, cents)| (name.as_str(), *cents))
            .chain([("all", all)])
        {
            page.text(0, name)?;
            page.text(3, currency.code())?;
            page.amount(4, cents, *currency)?;
            page.row += 1;
        }
        page.row += 1;
    }
    Ok(())
}

/// Writes what needs attention with the command for it, and what was accepted, by whom and why.
fn attention(page: &mut SheetWriter, summary: &RunSummary) -> Result<(), XlsxError> {
    page.head(&["needs attention", "number", "", "", "", "command"])?;
    if summary.attention.is_empty() {
        page.text(0, "none")?;
        page.row += 1;
    }
    for item in &summary.attention {
        page.text(0, &item.what())?;
        page.number(1, item.count)?;
        page.text(5, &item.command)?;
        page.row += 1;
    }
    page.row += 1;
    if summary.accepted.is_empty() {
        return Ok(());
    }
    page.head(&["accepted", "number", "at", "by", "", "reason"])?;
    for item in &summary.accepted {
        page.text(0, &item.what())?;
        page.number(1, item.count)?;
        page.text(2, &item.at)?;
        page.text(3, &item.by)?;
        page.text(5, &item.reason)?;
        page.row += 1;
    }
    page.row += 1;
    Ok(())
}

fn exports(page: &mut SheetWriter, summary: &RunSummary) -> Result<(), XlsxError> {
    page.head(&["export", "rows", "profile", "", "", "SHA-256"])?;
    for input in &summary.reading.inputs {
        page.text(0, &input.path)?;
        page.number(1, input.rows)?;
        page.text(2, &input.profile)?;
        page.text(5, &input.sha256)?;
        page.row += 1;
    }
    for export in &summary.reading.skipped {
        page.text(0, &export.path)?;
        page.text(2, &export.profile)?;
        page.text(3, "read before")?;
        page.text(5, &export.sha256)?;
        page.row += 1;
    }
    page.row += 1;
    page.head(&["reason for ignoring rows", "rows"])?;
    for ignored in &summary.reading.ignored {
        page.count_of(&ignored.reason, ignored.rows)?;
    }
    Ok(())
}

/// Returns a word of the machine output as people read it.
fn words(word: &str) -> String {
    word.replace('_', " ")
}

/// The columns of the balance before its figures.
const LABELS: [&str; 3] = ["kind", "currency", "in"];

/// Writes the balance by kind and currency, in events and in money: what was read equals the states
/// of the plan, and what was to be sent equals its outcomes. The columns `difference` are formulas.
pub(super) fn balance(workbook: &mut Workbook, summary: &RunSummary) -> Result<(), XlsxError> {
    let plan: Vec<Tally> = PlanState::ALL
        .iter()
        .map(|state| summary.reading.events.for_state(*state))
        .collect();
    let outcomes: Vec<Tally> = OutcomesSummary::all()
        .map(|outcome| summary.outcomes.for_outcome(outcome))
        .collect();
    let plan_words = PlanState::ALL.iter().map(|state| words(state.as_str()));
    let outcome_words = OutcomesSummary::all().map(|outcome| words(outcome_word(outcome)));
    let mut titles: Vec<String> = LABELS.map(str::to_owned).to_vec();
    titles.push("read".to_owned());
    titles.extend(plan_words);
    titles.push("difference".to_owned());
    titles.push("to send".to_owned());
    titles.extend(outcome_words);
    titles.push("difference".to_owned());

    let widths: Vec<u16> = titles.iter().map(|_| 18).collect();
    let mut page = SheetWriter::start(workbook, "Balance", &widths)?;
    page.sheet.set_freeze_panes(1, 3)?;
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    page.head(&titles)?;
    let to_send = summary.reading.events.for_state(PlanState::ToSend);
    for kind in Kind::ALL {
        let read = &summary.reading.events.read;
        for (_, currency, sum) in read.iter().filter(|(of, _, _)| *of == kind) {
            let of = |tally: &Tally| tally.for_kind(kind, currency);
            let first: Vec<Sum> = std::iter::once(sum).chain(plan.iter().map(of)).collect();
            let second: Vec<Sum> = std::iter::once(of(&to_send))
                .chain(outcomes.iter().map(of))
                .collect();
            balance_row(&mut page, kind, currency, None, &[&first, &second])?;
            if currency.is_some() {
                balance_row(&mut page, kind, currency, currency, &[&first, &second])?;
            }
        }
    }
    let last = ColNum::try_from(titles.len() - 1).unwrap_or(ColNum::MAX);
    page.sheet.autofilter(0, 0, page.row - 1, last)?;
    workbook.push_worksheet(page.sheet);
    Ok(())
}

/// Writes one line, in events or in money: in each group the first figure is the sum of the others.
fn balance_row(
    page: &mut SheetWriter,
    kind: Kind,
    currency: Option<Currency>,
    money: Option<Currency>,
    groups: &[&[Sum]],
) -> Result<(), XlsxError> {
    page.text(0, kind.as_str())?;
    page.text(1, currency.map_or("", Currency::code))?;
    page.text(2, if money.is_some() { "money" } else { "events" })?;
    let mut column = 3;
    for group in groups {
        let first = column;
        for sum in *group {
            match money {
                Some(currency) => page.amount(column, sum.amount_cents, currency)?,
                None => page.number(column, sum.count)?,
            }
            column += 1;
        }
        let line = page.row + 1;
        let name = |column: ColNum| rust_xlsxwriter::utility::column_number_to_name(column);
        let formula = format!(
            "=ROUND({}{line}-SUM({}{line}:{}{line}),2)",
            name(first),
            name(first + 1),
            name(column - 1)
        );
        let formula = Formula::new(formula).set_result("0");
        page.sheet
            .write_formula_with_format(page.row, column, formula, &page.difference)?;
        column += 1;
    }
    page.row += 1;
    Ok(())
}

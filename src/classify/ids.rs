//! Reads the ids that identify a row's events.

use std::borrow::Cow;

use super::words::toml_text;
use super::{Classifier, cell};
use crate::event::Text;
use crate::export::{CellKind, Row};
use crate::problem::{Problem, ProblemCode};
use crate::profile::{ColumnIndex, DateSource, EventRule, Template, TemplatePart};

/// What stands in place of an id in a row with the sum of the others, in lower case.
const SUMS: [&str; 19] = [
    "total",
    "totals",
    "grand total",
    "subtotal",
    "sum",
    "summe",
    "gesamt",
    "gesamtsumme",
    "insgesamt",
    "totaux",
    "total général",
    "total general",
    "total geral",
    "totale",
    "totaal",
    "suma",
    "soma",
    "итого",
    "合計",
];
/// The greatest length of one of them, in bytes.
const SUM_MOST_BYTES: usize = 20;

/// The reason why a row with the sum of the others is ignored, if it names no customer.
pub(super) const SUM: &str = "the sum of the rows";

/// Returns `true` for a word such as `Total:`, which is in place of an id.
fn is_sum(id: &str) -> bool {
    // Ids are seldom that short and without a digit.
    if id.is_empty() || id.len() > SUM_MOST_BYTES || id.bytes().any(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let word = id.trim_end_matches([':', ' ', '.']).to_lowercase();
    SUMS.contains(&word.as_str())
}

impl Classifier<'_> {
    /// Rejects an id that a spreadsheet has damaged: it may have become another one.
    pub(super) fn check_id(&self, row: &Row, column: ColumnIndex) -> Result<(), Box<Problem>> {
        self.check_id_text(row, column, self.text(row, column))
    }

    /// Rejects an id of a list that a spreadsheet has damaged. Ids of lists are compared and never sent, so an
    /// apostrophe before one is none of its damage.
    pub(super) fn check_listed_id(
        &self,
        row: &Row,
        column: ColumnIndex,
    ) -> Result<(), Box<Problem>> {
        let id = cell::without_apostrophe(self.text(row, column));
        self.check_id_text(row, column, id)
    }

    /// Rejects a cell whose id, which is its text or a part of it, is damaged.
    fn check_id_text(&self, row: &Row, column: ColumnIndex, id: &str) -> Result<(), Box<Problem>> {
        self.see_ends(row, column);
        match cell::id_damage(id).or_else(|| self.id_of_a_workbook(row, column)) {
            None => Ok(()),
            Some(damage) => Err(Box::new(
                self.cell_error(
                    ProblemCode::IdDamaged,
                    column,
                    self.text(row, column),
                    &damage,
                )
                .hint("export the file again and don't open it in a spreadsheet"),
            )),
        }
    }

    /// Returns the column that says in place of an id that the row is the sum of others, if one does.
    pub(super) fn column_of_sum(&self, row: &Row) -> Option<ColumnIndex> {
        let templates = self.profile.events.iter().flat_map(|rule| &rule.event_id);
        let mut columns = templates.filter_map(|template| match template.0[..] {
            [TemplatePart::Column(column)] => Some(column),
            _ => None,
        });
        columns.find(|&column| is_sum(self.text(row, column)))
    }

    /// Returns the error that a row is the sum of others, whose amount was not paid once more.
    pub(super) fn sum_of_others(&self, row: &Row, column: ColumnIndex) -> Problem {
        let value = self.text(row, column);
        let message = "the row is the sum of other rows, and not a payment";
        let problem = self.cell_error(ProblemCode::RowRefused, column, value, message);
        let (file, table) = self.table("ignore");
        problem.hint(format!(
            "leave it out of the export; or, if every export ends with such a row, add this table to `{file}`:\n    [[{table}]]\n    when = {{ {} = {} }}\n    reason = \"{SUM}\"",
            self.profile.columns[column].name,
            toml_text(value)
        ))
    }

    /// Returns the reason why the cell of a workbook is not the id that was written into it: a spreadsheet makes
    /// 2 March of `3-2`, and 1.5 of `1.50`.
    fn id_of_a_workbook(&self, row: &Row, column: ColumnIndex) -> Option<Cow<'static, str>> {
        let position = self.binding.position(column)?;
        let became = match row.kind(position) {
            CellKind::Date | CellKind::DoubtfulDate => "a date",
            CellKind::Time => "a time",
            CellKind::Boolean => "a truth value",
            CellKind::Number if self.text(row, column).contains('.') => "a number with a fraction",
            CellKind::Number | CellKind::Text | CellKind::Error => return None,
        };
        Some(format!("a spreadsheet has turned this id into {became}").into())
    }

    /// Returns the first id whose columns are all filled, and the next one that differs from it.
    pub(super) fn two_ids(
        &self,
        templates: &[Template],
        row: &Row,
    ) -> Result<(Option<Text>, Option<Text>), Box<Problem>> {
        let mut first = None;
        for template in templates {
            let Some(id) = self.fill(template, row)? else {
                continue;
            };
            match &first {
                None => first = Some(id),
                Some(first) if *first == id => {}
                Some(_) => return Ok((first, Some(id))),
            }
        }
        Ok((first, None))
    }

    /// Returns `true` if there are several ids, and the last one, which distinguishes a payment from all others,
    /// is not in the row.
    pub(super) fn lacks_last_id(
        &self,
        templates: &[Template],
        row: &Row,
    ) -> Result<bool, Box<Problem>> {
        match templates {
            [_, .., last] => Ok(self.fill(last, row)?.is_none()),
            _ => Ok(false),
        }
    }

    /// Returns the first id whose columns are all filled.
    pub(super) fn first_id(
        &self,
        templates: &[Template],
        row: &Row,
    ) -> Result<Option<Text>, Box<Problem>> {
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
                TemplatePart::Day(column) => {
                    let value = self.text(row, *column);
                    if value.is_empty() {
                        return Ok(None);
                    }
                    let source = DateSource::of_column(*column);
                    let day = self.date(&source, value, row)?;
                    id.push_str(&day.strftime("%Y-%m-%d").to_string());
                }
            }
        }
        Ok(Some(id))
    }

    pub(super) fn no_id(&self, rule: &EventRule) -> Problem {
        let columns = rule.event_id.iter().flat_map(|template| &template.0);
        let names: Vec<_> = columns
            .filter_map(|part| match part {
                TemplatePart::Column(column) => Some(format!("`{}`", self.header_name(*column))),
                TemplatePart::Day(_) | TemplatePart::Text(_) => None,
            })
            .collect();
        let message = format!(
            "the {} has no id: nothing in {}",
            rule.kind,
            names.join(" or ")
        );
        Problem::error(ProblemCode::EventIdMissing, message)
            .hint("without an id, two events can't be distinguished; add an id to the row")
    }
}

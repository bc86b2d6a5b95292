//! Reads the ids that identify a row's events.

use std::borrow::Cow;

use super::{Classifier, cell};
use crate::event::Text;
use crate::export::{CellKind, Row};
use crate::problem::{Problem, ProblemCode};
use crate::profile::{ColumnIndex, DateSource, EventRule, Template, TemplatePart};

impl Classifier<'_> {
    /// Rejects an id that a spreadsheet has damaged: it may have become another one.
    pub(super) fn check_id(&self, row: &Row, column: ColumnIndex) -> Result<(), Box<Problem>> {
        let value = self.text(row, column);
        self.see_ends(row, column);
        let damage = cell::id_damage(value).or_else(|| self.id_of_a_workbook(row, column));
        match damage {
            None => Ok(()),
            Some(damage) => Err(Box::new(
                self.cell_error(ProblemCode::IdDamaged, column, value, &damage)
                    .hint("export the file again and don't open it in a spreadsheet"),
            )),
        }
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

//! Decides for which rows a rule of the profile holds.

use super::Classifier;
use crate::export::Row;
use crate::problem::Problem;
use crate::profile::{IgnoreRule, RowScope, Test, When};

impl<'p> Classifier<'p> {
    /// Returns the first rule by which the row is not an event.
    pub(super) fn matching_ignore(
        &self,
        row: &Row,
    ) -> Result<Option<&'p IgnoreRule>, Box<Problem>> {
        for rule in &self.profile.ignore {
            if self.is_for(&rule.scope, row)? {
                return Ok(Some(rule));
            }
        }
        Ok(None)
    }

    pub(super) fn is_for(&self, scope: &RowScope, row: &Row) -> Result<bool, Box<Problem>> {
        if !self.holds(&scope.when, row)? {
            return Ok(false);
        }
        match &scope.unless {
            Some(unless) => Ok(!self.holds(unless, row)?),
            None => Ok(true),
        }
    }

    pub(super) fn holds(&self, when: &When, row: &Row) -> Result<bool, Box<Problem>> {
        for (column, test) in when {
            let value = self.word(row, *column);
            let holds = match test {
                Test::OneOf(words) => words.contain(value),
                Test::NoneOf(words) => !words.contain(value),
                Test::Pattern(pattern) => pattern.is_match(value),
                Test::Empty(empty) => value.is_empty() == *empty,
                Test::Exported(exported) => self.binding.position(*column).is_some() == *exported,
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
}

//! Lists the match of each commission, and why: the whole of the matching, for a reader to follow.

use super::books::AuditData;
use super::frames::{BilledColumns, TheirColumns};
use super::grouped::index;
use super::matching::Matching;
use super::selection::Selection;
use super::{AuditError, Billed, Commission, MatchReason};

/// A commission, and what it was made for.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// The commission.
    pub theirs: Commission,
    /// The sale or refund of ours; absent if nothing belongs to it, which is a finding unless it was denied.
    pub ours: Option<Billed>,
    /// The reason why the commission belongs to it.
    pub reason: Option<MatchReason>,
}

/// The matches of all commissions of the period, in the order in which they were read. They are made from the
/// columns one by one.
pub struct Matches {
    billed: BilledColumns,
    commissions: TheirColumns,
    rows: Vec<Option<(u32, MatchReason)>>,
    selection: Selection,
}

impl Matches {
    pub(super) fn new(books: AuditData, matching: Matching, selection: Selection) -> Matches {
        Matches {
            billed: books.billed,
            commissions: books.commissions,
            rows: matching.billed,
            selection,
        }
    }

    /// Returns each commission with the sale or refund that it belongs to.
    pub fn iter(&self) -> impl Iterator<Item = Result<Match, AuditError>> {
        let rows = (0..).zip(&self.rows);
        let of_period = rows.filter(|(row, _)| self.selection.has_commission(*row));
        of_period.map(|(row, matched)| {
            let ours = matched.map(|(billed, _)| self.billed.get(index(billed)));
            Ok(Match {
                theirs: self.commissions.get(index(row))?,
                ours: ours.transpose()?,
                reason: matched.map(|(_, reason)| reason),
            })
        })
    }
}

//! Lists the match of each commission, and why: the whole of the matching, for a reader to follow.

use super::books::AuditData;
use super::frames::{BilledColumns, TheirColumns};
use super::grouped::index;
use super::matching::Matching;
use super::selection::Selection;
use super::{AuditError, AuditRules, Billed, Commission, MatchReason};

/// The length of the shortest name that is searched for in other texts: shorter ones are part of their words.
const SHORTEST_NAME: usize = 3;

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
    promoter_names: Vec<String>,
}

impl Matches {
    pub(super) fn new(
        books: AuditData,
        matching: Matching,
        selection: Selection,
        rules: &AuditRules,
    ) -> Matches {
        let mut promoter_names: Vec<String> = books
            .promoters
            .names()
            .chain(rules.promoters())
            .flat_map(|name| {
                let name = name.trim().to_lowercase();
                let local = name.split_once('@').map(|(local, _)| local.to_owned());
                [Some(name), local]
            })
            .flatten()
            .filter(|name| is_name(name))
            .collect();
        promoter_names.sort_by_key(|name| (std::cmp::Reverse(name.len()), name.clone()));
        promoter_names.dedup();
        Matches {
            billed: books.billed,
            commissions: books.commissions,
            rows: matching.billed,
            selection,
            promoter_names,
        }
    }

    /// Returns the names of promoters and what stands before the `@` of their emails, in lower case, the longest first:
    /// of all days, of both sides and of the rules.
    pub(super) fn promoter_names(&self) -> &[String] {
        &self.promoter_names
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

/// Returns `true` for what may name a person in another text: not a number, and not too short.
fn is_name(name: &str) -> bool {
    name.chars().count() >= SHORTEST_NAME && name.chars().any(char::is_alphabetic)
}

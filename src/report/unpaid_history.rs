//! Lists the commissions of events that were sent long after they happened. FirstPromoter has them as unpaid, even if
//! they were paid before. A person marks them as paid by the file, which has the sums by promoter.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use jiff::SignedDuration;

use super::atomic::{FileError, FinishedFile};
use super::columns::Cell;
use super::table::CsvTable;
use crate::event::Kind;
use crate::journal::{EventRecord, EventRow, Outcome};

/// The name of the file.
pub(super) const FILE: &str = "unpaid_history.csv";

/// The age in days from which on an event is history when it is sent: a payout has passed since.
pub(crate) const HISTORY_DAYS: i64 = 31;

const COLUMNS: [&str; 9] = [
    "promoter_email",
    "promoter_ref_id",
    "kind",
    "event_id",
    "sale_event_id",
    "api_event_id",
    "created_at",
    "commission_cents",
    "commissions",
];

/// Identifies a promoter by the email and the referral id.
type PromoterKey = (Option<String>, Option<String>);

/// Adds up the commissions of a promoter.
struct PromoterSum {
    commissions: i64,
    /// `None` if the amount of one is not known.
    cents: Option<i64>,
}

/// Writes the commissions that are history, and then a line with the sum of each promoter.
pub(super) struct UnpaidHistoryTable {
    table: CsvTable,
    sums: BTreeMap<PromoterKey, PromoterSum>,
    /// The amounts of the commissions that `history mark-paid` has marked since, by their events, in minor units.
    marked: HashMap<EventRow, Vec<i64>>,
}

impl UnpaidHistoryTable {
    /// Creates the table. What `marked` has is paid, and is left out.
    pub(super) fn create(
        directory: &Path,
        marked: HashMap<EventRow, Vec<i64>>,
    ) -> Result<Self, FileError> {
        Ok(UnpaidHistoryTable {
            marked,
            table: CsvTable::create(directory.join(FILE), COLUMNS)?,
            sums: BTreeMap::new(),
        })
    }

    /// Adds an event, if it has a commission and is history.
    pub(super) fn add(&mut self, record: &EventRecord) -> Result<(), FileError> {
        let Some(settled) = record.settlement.as_ref() else {
            return Ok(());
        };
        let event = &record.event;
        let age = event.created_at.map(|at| settled.at.duration_since(at));
        let is_old = age.is_some_and(|age| age > SignedDuration::from_hours(24 * HISTORY_DAYS));
        let cents = settled.commission_cents;
        let is_of_money = matches!(event.kind, Kind::Sale | Kind::Refund);
        // Of an event whose answer was lost, neither the commission nor the promoter is known.
        if cents == Some(0) || !is_old || !is_of_money || settled.outcome != Outcome::Tracked {
            return Ok(());
        }
        let marked = self.marked.get(&record.row);
        let is_marked = |cents| marked.is_some_and(|marked| marked.contains(&cents));
        if cents.map_or(marked.is_some(), is_marked) {
            return Ok(());
        }
        let promoter = (
            settled.promoter_email.clone(),
            settled.promoter_ref_id.clone(),
        );
        self.table.row(&[
            Cell::optional_text(promoter.0.as_deref()),
            Cell::optional_text(promoter.1.as_deref()),
            Cell::Word(event.kind.as_str()),
            Cell::text(event.event_id()),
            Cell::optional_text(event.sale_event_id.as_deref()),
            Cell::optional_text(settled.api_event_id.as_deref()),
            Cell::optional_time(event.created_at),
            Cell::optional_integer(cents),
            Cell::Integer(1),
        ])?;
        let sum = self.sums.entry(promoter).or_insert(PromoterSum {
            commissions: 0,
            cents: Some(0),
        });
        sum.commissions += 1;
        sum.cents = sum
            .cents
            .zip(cents)
            .map(|(sum, own)| sum.saturating_add(own));
        Ok(())
    }

    /// Joins the sums of promoters of whom some answers have the email alone, as those of version 2 to sales do.
    fn join_sums(&mut self) {
        let named: BTreeMap<String, PromoterKey> = self
            .sums
            .keys()
            .filter_map(|key| Some((key.0.clone()?, key.clone())))
            .filter(|(_, (_, ref_id))| ref_id.is_some())
            .collect();
        let alone: Vec<PromoterKey> = self
            .sums
            .keys()
            .filter(|(_, ref_id)| ref_id.is_none())
            .cloned()
            .collect();
        for key in alone {
            let Some(whole) = key.0.as_ref().and_then(|email| named.get(email)) else {
                continue;
            };
            let (Some(part), Some(sum)) = (self.sums.remove(&key), self.sums.get_mut(whole)) else {
                continue;
            };
            sum.commissions += part.commissions;
            let both = sum.cents.zip(part.cents);
            sum.cents = both.map(|(one, other)| one.saturating_add(other));
        }
    }

    pub(super) fn finish(mut self) -> Result<FinishedFile, FileError> {
        self.join_sums();
        for ((email, ref_id), sum) in &self.sums {
            self.table.row(&[
                Cell::optional_text(email.as_deref()),
                Cell::optional_text(ref_id.as_deref()),
                Cell::Word("sum"),
                Cell::Empty,
                Cell::Empty,
                Cell::Empty,
                Cell::Empty,
                Cell::optional_integer(sum.cents),
                Cell::Integer(sum.commissions),
            ])?;
        }
        self.table.finish()
    }
}

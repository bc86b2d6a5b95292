//! Finds the columns with the date of a row.

use super::days::{self, Days};
use super::names::{self, NameTiers};
use super::table::{SampleColumn, SampleTable};
use super::taken::Taken;

/// The date of the rows.
pub(super) enum RowDate<'t> {
    /// No column has the name of a date or holds dates.
    None,
    /// This column has the name of a date, but its values are not in a known format.
    Unread(&'t SampleColumn<'t>),
    Read(DateColumns<'t>),
}

/// A date column that can be read, with the columns of time and zone if there are any.
pub(super) struct DateColumns<'t> {
    pub(super) date: &'t SampleColumn<'t>,
    pub(super) time: Option<&'t SampleColumn<'t>>,
    pub(super) zone: Option<&'t SampleColumn<'t>>,
    pub(super) days: Days,
}

/// Returns the date of the rows, and the other columns that could be it.
pub(super) fn dates<'t>(
    table: &'t SampleTable<'t>,
    rows: &[usize],
    taken: &mut Taken<'t>,
) -> (RowDate<'t>, Vec<&'t SampleColumn<'t>>) {
    let search = DateSearch::new(table, rows, taken);
    if let Some(when) = search.named_date() {
        let others = search.others(when.date);
        taken.take([when.date]);
        taken.take(when.time);
        taken.take(when.zone);
        return (RowDate::Read(when), others);
    }
    if let Some(column) = search.named.first().copied() {
        taken.take([column]);
        return (RowDate::Unread(column), Vec::new());
    }
    let Some(when) = search.unnamed_date() else {
        return (RowDate::None, Vec::new());
    };
    let others = search.others(when.date);
    taken.take([when.date]);
    (RowDate::Read(when), others)
}

/// Looks for the date of the rows among the columns that are free.
struct DateSearch<'s, 't> {
    table: &'t SampleTable<'t>,
    /// The rows that may be events.
    rows: &'s [usize],
    taken: &'s Taken<'t>,
    /// The columns with the name of a date, the likeliest first.
    named: Vec<&'t SampleColumn<'t>>,
    zone: Option<&'t SampleColumn<'t>>,
}

impl<'s, 't> DateSearch<'s, 't> {
    fn new(table: &'t SampleTable<'t>, rows: &'s [usize], taken: &'s Taken<'t>) -> Self {
        let mut named = table.named(&names::DATE, |column| taken.is_free(column));
        // `Renewal date` is that of something later.
        named.retain(|(rank, column)| {
            NameTiers::is_whole(*rank) || !names::is_later_date(column.header)
        });
        // A date that only some rows have, such as that of the payment, is not the date of all rows.
        named.sort_by_key(|(_, column)| !column.is_full_in(rows));
        let zone = first_of(table, &names::ZONE, |column| {
            taken.is_free(column) && is_zone_column(column)
        });
        DateSearch {
            table,
            rows,
            taken,
            named: named.into_iter().map(|(_, column)| column).collect(),
            zone,
        }
    }

    fn is_full(&self, column: &SampleColumn<'_>) -> bool {
        column.is_full_in(self.rows)
    }

    /// Returns `true` if a column holds dates and has another name, which is not that of another date.
    fn is_unnamed(&self, column: &SampleColumn<'_>) -> bool {
        let is_other = names::DATE.forbids(column.header) || names::is_later_date(column.header);
        self.taken.is_free(column) && column.days().is_some() && !is_other
    }

    /// Returns the columns that could be the date as well as the chosen one.
    fn others(&self, chosen: &SampleColumn<'_>) -> Vec<&'t SampleColumn<'t>> {
        let is_named = |column: &SampleColumn<'_>| {
            let mut named = self.named.iter();
            named.any(|named| named.header == column.header)
        };
        let is_readable = |column: &&SampleColumn<'_>| {
            if is_named(column) {
                column.named_days().is_some()
            } else {
                self.is_unnamed(column) && self.is_full(column)
            }
        };
        let columns = self.table.columns.iter().filter(is_readable);
        columns
            .filter(|column| column.header != chosen.header)
            .collect()
    }

    /// Returns a column as the date, if it can be read, with a time beside it if there is one.
    fn read(
        &self,
        column: &'t SampleColumn<'t>,
        time: Option<&'t SampleColumn<'t>>,
    ) -> Option<DateColumns<'t>> {
        let days = match time {
            Some(time) => joined_days(column, time),
            None => column.named_days(),
        };
        Some(DateColumns {
            date: column,
            time,
            zone: self.zone,
            days: days?,
        })
    }

    /// Returns the date by the names of the columns. A date of payment that some rows lack is not that of the rows if
    /// each of them has another one.
    fn named_date(&self) -> Option<DateColumns<'t>> {
        let times = first_of(self.table, &names::TIME, |column| {
            self.taken.is_free(column)
        });
        let found = self.named.iter().find_map(|column| {
            let with_time = times.filter(|time| time.header != column.header);
            with_time
                .and_then(|time| self.read(column, Some(time)))
                .or_else(|| self.read(column, None))
        })?;
        if !names::is_paid_date(found.date.header) || self.is_full(found.date) {
            return Some(found);
        }
        let mut columns = self.table.columns.iter();
        let full = columns.find(|column| self.is_unnamed(column) && self.is_full(column));
        full.and_then(|column| self.read(column, None))
            .or(Some(found))
    }

    /// Returns the first column that holds dates although its name does not say so.
    fn unnamed_date(&self) -> Option<DateColumns<'t>> {
        let mut columns = self.table.columns.iter();
        let column = columns.find(|column| self.is_unnamed(column))?;
        self.read(column, None)
    }
}

/// Returns the date of the payment, if some rows have none; it may be the date of the rows as well.
pub(super) fn paid_date<'t>(
    table: &'t SampleTable<'t>,
    date: &RowDate<'t>,
    rows: &[usize],
    taken: &Taken<'t>,
) -> Option<&'t SampleColumn<'t>> {
    let of_rows = match date {
        RowDate::Read(when) => Some(when.date),
        RowDate::None | RowDate::Unread(_) => None,
    };
    let free = table.columns.iter().filter(|column| taken.is_free(column));
    let is_date = |column: &SampleColumn<'_>| {
        column.filled() == 0 && names::PAID_DATE.rank(column.header).is_some()
            || column.named_days().is_some()
    };
    of_rows.into_iter().chain(free).find(|column| {
        names::is_paid_date(column.header) && !column.is_full_in(rows) && is_date(column)
    })
}

/// Returns a date whose name says nothing and that only some rows have: something happened to these, or did not to the
/// others.
pub(super) fn date_of_some<'t>(
    table: &'t SampleTable<'t>,
    rows: &[usize],
    taken: &Taken<'t>,
) -> Option<&'t SampleColumn<'t>> {
    let free = table.columns.iter().filter(|column| taken.is_free(column));
    let is_of_some = |column: &&SampleColumn<'_>| {
        let has_some = rows.iter().any(|&row| !column.cell(row).is_empty());
        has_some && !column.is_full_in(rows) && column.days().is_some()
    };
    let is_open = |column: &&SampleColumn<'_>| {
        !names::DATE.forbids(column.header) && !names::is_later_date(column.header)
    };
    free.filter(is_of_some).find(is_open)
}

/// Returns the date of a refund, on the row of its sale or on a row of its own. Without a format it
/// only shows that something was refunded.
pub(super) fn refund_date<'t>(
    table: &'t SampleTable<'t>,
    taken: &Taken<'t>,
) -> Option<(&'t SampleColumn<'t>, Option<Days>)> {
    let column = first_of(table, &names::REFUND_DATE, |column| taken.is_free(column))?;
    Some((column, column.named_days()))
}

fn first_of<'t>(
    table: &'t SampleTable<'t>,
    names: &NameTiers,
    holds: impl Fn(&SampleColumn<'t>) -> bool,
) -> Option<&'t SampleColumn<'t>> {
    let named = table.named(names, holds);
    named.first().map(|(_, column)| *column)
}

/// Returns `true` if a column holds zones, and not other numbers.
fn is_zone_column(column: &SampleColumn<'_>) -> bool {
    column.words().is_some_and(|words| {
        let mut words = words.into_keys();
        words.all(|word| days::is_zone(word) || word.contains(char::is_alphabetic))
    })
}

/// Returns the format of a date and a time in two columns together; `None` if some rows have no
/// time.
fn joined_days(date: &SampleColumn<'_>, time: &SampleColumn<'_>) -> Option<Days> {
    let both = date
        .cells
        .iter()
        .zip(&time.cells)
        .filter(|(date, _)| !date.is_empty());
    let texts: Vec<String> = both.map(|(date, time)| format!("{date} {time}")).collect();
    let joined: Vec<&str> = texts.iter().map(String::as_str).collect();
    days::days(&joined)
}

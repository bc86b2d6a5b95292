//! Adds both sides up: once at the finest grain, by Polars, and from there by each cut.

use std::collections::BTreeMap;
use std::ops::Range;

use polars::prelude::*;

use super::books::{AuditData, Code, Month, OurRow, TheirRow, TotalKey};
use super::grouped::index;
use super::judge::Judged;
use super::matching::Matching;
use super::parallel::ranges;
use super::selection::Selection;
use super::{AuditError, AuditTotals, CommissionTotals, Cut, Status, TotalLine};

/// A column of the long table that a line adds to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Measure {
    Sale,
    Refund,
    Expected,
    Paid,
    Unpaid,
    PaidUnknown,
    Denied,
    /// Denied, and paid out all the same.
    DeniedPaid,
}

impl Measure {
    const ALL: [Measure; 8] = [
        Measure::Sale,
        Measure::Refund,
        Measure::Expected,
        Measure::Paid,
        Measure::Unpaid,
        Measure::PaidUnknown,
        Measure::Denied,
        Measure::DeniedPaid,
    ];

    fn code(self) -> Code {
        self as Code
    }

    fn add(self, figures: &mut CommissionTotals, rows: u64, cents: i128) {
        match self {
            Measure::Sale => {
                figures.sales += rows;
                figures.sales_cents += cents;
            }
            Measure::Refund => {
                figures.refunds += rows;
                figures.refunds_cents += cents;
            }
            Measure::Expected => figures.expected_cents += cents,
            Measure::Denied => figures.denied_cents += cents,
            Measure::DeniedPaid => {
                figures.denied_cents += cents;
                figures.denied_paid_cents += cents;
            }
            Measure::Paid => figures.paid_cents += cents,
            Measure::Unpaid => figures.unpaid_cents += cents,
            Measure::PaidUnknown => {
                figures.paid_unknown += rows;
                figures.paid_unknown_cents += cents;
            }
        }
        let is_theirs = !matches!(self, Measure::Sale | Measure::Refund | Measure::Expected);
        if is_theirs {
            figures.commissions += rows;
        }
        figures.net_cents = figures.sales_cents - figures.refunds_cents;
        figures.actual_cents =
            figures.paid_cents + figures.unpaid_cents + figures.paid_unknown_cents;
        figures.difference_cents = figures.actual_cents - figures.expected_cents;
    }
}

/// Heads and measures as one number each, since Polars groups by one column much faster than by seven.
/// Packs the head of a line into one or two columns. A part that doesn't fit into 64 bits goes into the second.
struct HeadPacking {
    /// The number of bits of each part, in the order of [`HeadPacking::parts`].
    bits: [u32; 7],
}

impl HeadPacking {
    /// Returns a packing with room for all codes that there are.
    fn new(books: &AuditData, last_month: Month) -> Result<HeadPacking, AuditError> {
        let names = books.names.len();
        let most = [
            books.promoters.len(),
            books.campaigns.len(),
            names,
            index(last_month),
            names,
            Status::ALL.len(),
            Measure::ALL.len(),
        ];
        let bits = most.map(|most| usize::BITS - most.leading_zeros());
        if bits.iter().sum::<u32>() <= u128::BITS {
            return Ok(HeadPacking { bits });
        }
        let message = "there are too many names of promoters, campaigns and plans";
        Err(AuditError::Columns(message.to_owned()))
    }

    fn parts(head: &TotalKey, measure: Measure) -> [u32; 7] {
        let status = head
            .status
            .and_then(|status| Status::ALL.iter().position(|one| *one == status))
            .and_then(|place| u32::try_from(place + 1).ok());
        [
            head.promoter,
            head.campaign,
            head.plan,
            head.month,
            head.unit,
            status.unwrap_or(0),
            measure.code(),
        ]
    }

    fn is_wide(&self) -> bool {
        self.bits.iter().sum::<u32>() > u64::BITS
    }

    fn pack(&self, head: &TotalKey, measure: Measure) -> u128 {
        let parts = HeadPacking::parts(head, measure).into_iter().zip(self.bits);
        parts.fold(0, |key, (part, bits)| (key << bits) | u128::from(part))
    }

    fn unpack(&self, mut key: u128) -> [u32; 7] {
        let mut parts = [0; 7];
        for (part, bits) in parts.iter_mut().zip(self.bits).rev() {
            *part = u32::try_from(key & ((1 << bits) - 1)).unwrap_or(0);
            key >>= bits;
        }
        parts
    }
}

/// The long table: a line for all that is added up.
struct LongTable<'p> {
    packing: &'p HeadPacking,
    keys: Vec<u64>,
    /// The upper halves of the keys, if they are wide.
    upper_keys: Vec<u64>,
    cents: Vec<i64>,
    /// Beside the columns, for the check: rows and cents by unit and measure.
    in_all: PlHashMap<Code, [(u64, i128); Measure::ALL.len()]>,
}

impl<'p> LongTable<'p> {
    fn with_room(packing: &'p HeadPacking, lines: usize) -> Self {
        LongTable {
            packing,
            keys: Vec::with_capacity(lines),
            upper_keys: Vec::new(),
            cents: Vec::with_capacity(lines),
            in_all: PlHashMap::default(),
        }
    }

    fn push(&mut self, head: &TotalKey, measure: Measure, cents: i64) {
        let key = self.packing.pack(head, measure);
        self.keys.push(lower(key));
        if self.packing.is_wide() {
            self.upper_keys.push(lower(key >> u64::BITS));
        }
        self.cents.push(cents);
        let sums = self.in_all.entry(head.unit).or_default();
        if let Some((rows, sum)) = sums.get_mut(index(measure.code())) {
            *rows += 1;
            *sum += i128::from(cents);
        }
    }

    fn add_ours(
        &mut self,
        books: &AuditData,
        matching: &Matching,
        judged: &Judged,
        selection: &Selection,
        rows: Range<usize>,
    ) {
        for row in rows {
            if !selection.has_case(matching.case[row]) {
                continue;
            }
            let ours = &books.ours[row];
            let main =
                judged.mains[index(matching.case[row])].map(|main| &books.theirs[index(main)]);
            // A refund is shown under whom its sale is, whoever has the customer by then.
            let lead = matching.lead[index(matching.case[row])]
                .map(|lead| books.leads[index(lead)].promoter);
            let measure = if ours.is_refund {
                Measure::Refund
            } else {
                Measure::Sale
            };
            let mut head = head_of_ours(books, ours, main, lead.unwrap_or(0));
            let owner = judged.owners.get(&matching.case[row]);
            let is_of_higher_tier = main.is_some_and(|main| main.tier > 1) && lead.is_none();
            let is_open = head.promoter == 0 || is_of_higher_tier;
            if let Some((promoter, campaign)) = owner.filter(|_| is_open) {
                (head.promoter, head.campaign) = (*promoter, *campaign);
            }
            self.push(&head, measure, ours.amount_cents);
        }
    }

    fn add_theirs(
        &mut self,
        books: &AuditData,
        matching: &Matching,
        selection: &Selection,
        rows: Range<usize>,
    ) {
        for row in rows {
            if !selection.has_commission(u32::try_from(row).unwrap_or(u32::MAX)) {
                continue;
            }
            let (theirs, matched) = (&books.theirs[row], matching.billed[row]);
            let plan = matched.map_or(0, |(row, _)| books.ours[index(row)].plan);
            let head = TotalKey {
                promoter: theirs.promoter,
                campaign: theirs.campaign,
                plan: if plan == 0 { theirs.plan } else { plan },
                month: theirs.month,
                unit: theirs.unit,
                status: Some(theirs.status),
            };
            let measure = match (theirs.status, theirs.is_paid) {
                (Status::Denied, Some(true)) => Measure::DeniedPaid,
                (Status::Denied, _) => Measure::Denied,
                (_, Some(true)) => Measure::Paid,
                (_, Some(false)) => Measure::Unpaid,
                (_, None) => Measure::PaidUnknown,
            };
            self.push(&head, measure, theirs.amount_cents);
        }
    }

    fn append(&mut self, other: LongTable<'_>) {
        self.keys.extend(other.keys);
        self.upper_keys.extend(other.upper_keys);
        self.cents.extend(other.cents);
        for (unit, sums) in other.in_all {
            let own = self.in_all.entry(unit).or_default();
            for ((rows, cents), (more_rows, more_cents)) in own.iter_mut().zip(sums) {
                *rows += more_rows;
                *cents += more_cents;
            }
        }
    }

    /// Returns the totals that were added up beside Polars.
    fn in_all(&self) -> BTreeMap<Code, CommissionTotals> {
        let figures = |sums: &[(u64, i128); Measure::ALL.len()]| {
            let mut figures = CommissionTotals::default();
            for (measure, (rows, cents)) in Measure::ALL.into_iter().zip(sums) {
                measure.add(&mut figures, *rows, *cents);
            }
            figures
        };
        let units = self.in_all.iter();
        units.map(|(unit, sums)| (*unit, figures(sums))).collect()
    }

    /// Returns a line for each head and measure, with rows and cents.
    fn grouped(self) -> PolarsResult<Vec<SummedLine>> {
        let codes = |name: &str, codes| UInt64Chunked::from_vec(name.into(), codes).into_column();
        let mut columns = vec![codes("key", self.keys)];
        if self.packing.is_wide() {
            columns.push(codes("upper_key", self.upper_keys));
        }
        let names: Vec<_> = columns.iter().map(|own| own.name().clone()).collect();
        let frame = DataFrame::new(self.cents.len(), columns)?;
        let keys: Vec<_> = frame
            .columns()
            .iter()
            .map(|own| own.u64())
            .collect::<Result<_, _>>()?;
        let key = |row: u32| {
            let parts = keys
                .iter()
                .rev()
                .map(|own| own.get(index(row)).unwrap_or(0));
            parts.fold(0, |key, part| (key << u64::BITS) | u128::from(part))
        };
        let grouped = frame.group_by(names)?;
        let lines = grouped.get_groups().iter().map(|group| {
            // Polars wraps sums that do not fit, in silence.
            let (first, rows, cents) = match group {
                GroupsIndicator::Idx((first, rows)) => {
                    let cents = rows.iter().map(|row| i128::from(self.cents[index(*row)]));
                    (first, rows.len(), cents.sum())
                }
                GroupsIndicator::Slice([first, rows]) => {
                    let cents = &self.cents[index(first)..][..index(rows)];
                    let sum = cents.iter().map(|cents| i128::from(*cents)).sum();
                    (first, cents.len(), sum)
                }
            };
            SummedLine {
                key: key(first),
                rows: u64::try_from(rows).unwrap_or(u64::MAX),
                cents,
            }
        });
        Ok(lines.collect())
    }
}

/// The sum of the lines under one head and measure.
struct SummedLine {
    key: u128,
    rows: u64,
    cents: i128,
}

/// Returns the key of the total that has a sale or a refund: under its lead's promoter, else that of its commission,
/// else that of the API's answer.
fn head_of_ours(books: &AuditData, ours: &OurRow, main: Option<&TheirRow>, lead: Code) -> TotalKey {
    let known = [lead, main.map_or(0, |main| main.promoter), ours.promoter];
    let promoter = known.into_iter().find(|code| *code != 0).unwrap_or(0);
    let campaign = main
        .map(|main| main.campaign)
        .or_else(|| books.campaign_of(promoter));
    TotalKey {
        promoter,
        campaign: campaign.unwrap_or(0),
        plan: match ours.plan {
            0 => main.map_or(0, |main| main.plan),
            plan => plan,
        },
        month: ours.month,
        unit: ours.currency,
        status: main.map(|main| main.status),
    }
}

/// Adds up both sides, and checks that every cut comes to the same.
pub(super) fn totals(
    books: &AuditData,
    matching: &Matching,
    judged: &Judged,
    selection: &Selection,
) -> Result<AuditTotals, AuditError> {
    let months = books
        .ours
        .iter()
        .map(|ours| ours.month)
        .chain(books.theirs.iter().map(|theirs| theirs.month));
    let packing = HeadPacking::new(books, months.max().unwrap_or(0))?;
    let (ours, theirs) = (books.ours.len(), books.theirs.len());
    let lines = ours + theirs + judged.expected.len();
    // Ours, theirs and what is expected, as if they stood behind each other.
    let parts = ranges(lines, |range| {
        let within = |from: usize, to: usize| {
            range.start.clamp(from, to) - from..range.end.clamp(from, to) - from
        };
        let mut long = LongTable::with_room(&packing, range.len());
        long.add_ours(books, matching, judged, selection, within(0, ours));
        long.add_theirs(books, matching, selection, within(ours, ours + theirs));
        for part in &judged.expected[within(ours + theirs, lines)] {
            long.push(&part.head, Measure::Expected, part.cents);
        }
        long
    });
    let mut long = LongTable::with_room(&packing, lines);
    for part in parts {
        long.append(part);
    }
    let in_all = long.in_all();
    let totals = AuditTotals {
        in_all: in_all
            .into_iter()
            .map(|(unit, figures)| (unit_name(books, unit), figures))
            .collect(),
        by: cuts(books, &packing, &long.grouped()?),
    };
    check(&totals)?;
    Ok(totals)
}

/// Returns the lower 64 bits.
fn lower(key: u128) -> u64 {
    u64::try_from(key & u128::from(u64::MAX)).unwrap_or(u64::MAX)
}

fn unit_name(books: &AuditData, unit: Code) -> String {
    books.names.name(unit).unwrap_or_default().to_owned()
}

/// The figures of one cut, by the code of its value and by unit.
type ByCode = PlHashMap<(u32, Code), CommissionTotals>;

fn cuts(
    books: &AuditData,
    packing: &HeadPacking,
    grouped: &[SummedLine],
) -> BTreeMap<Cut, Vec<TotalLine>> {
    let mut cuts = Cut::ALL.map(|cut| (cut, ByCode::default()));
    for line in grouped {
        let parts = packing.unpack(line.key);
        let [promoter, campaign, plan, month, unit, status, measure] = parts;
        let Some(measure) = Measure::ALL.get(index(measure)) else {
            continue;
        };
        for (cut, lines) in &mut cuts {
            let value = match cut {
                Cut::Promoter => promoter,
                Cut::Campaign => campaign,
                Cut::Plan => plan,
                Cut::Month => month,
                Cut::Currency => unit,
                Cut::Status => status,
            };
            let figures = lines.entry((value, unit)).or_default();
            measure.add(figures, line.rows, line.cents);
        }
    }
    let cuts = cuts.into_iter();
    cuts.map(|(cut, lines)| (cut, named(books, cut, lines)))
        .collect()
}

/// Returns the lines of a cut by their names. What has the same name stands in one line.
fn named(books: &AuditData, cut: Cut, lines: ByCode) -> Vec<TotalLine> {
    let mut by_name: BTreeMap<(Option<String>, String), CommissionTotals> = BTreeMap::new();
    for ((value, unit), figures) in lines {
        let unit = unit_name(books, unit);
        let value = match cut {
            Cut::Promoter => books.promoters.name(value),
            Cut::Campaign => books.campaign(value).0.map(str::to_owned),
            Cut::Plan => books.names.name(value).map(str::to_owned),
            Cut::Month => month_name(value),
            Cut::Currency => Some(unit.clone()),
            Cut::Status => status_name(value),
        };
        let sum = by_name.entry((value, unit)).or_default();
        *sum = added(sum, &figures);
    }
    let line = |((value, currency), figures)| TotalLine {
        value,
        currency,
        figures,
    };
    by_name.into_iter().map(line).collect()
}

fn month_name(code: u32) -> Option<String> {
    let month = code.checked_sub(1)?;
    Some(format!("{:04}-{:02}", month / 12, month % 12 + 1))
}

fn status_name(code: u32) -> Option<String> {
    let place = index(code).checked_sub(1)?;
    Status::ALL
        .get(place)
        .map(|status| status.as_str().to_owned())
}

/// Checks that every cut adds up to the same as the rows themselves, which were added up without Polars.
fn check(totals: &AuditTotals) -> Result<(), AuditError> {
    for (cut, lines) in &totals.by {
        let mut sums: BTreeMap<&str, CommissionTotals> = BTreeMap::new();
        for line in lines {
            let sum = sums.entry(&line.currency).or_default();
            *sum = added(sum, &line.figures);
        }
        for (currency, in_all) in &totals.in_all {
            let sum = sums.get(currency.as_str()).copied().unwrap_or_default();
            if let Some((figure, of_lines, of_all)) = first_difference(&sum, in_all) {
                return Err(AuditError::Unbalanced(format!(
                    "by {}, the lines of {currency} have {of_lines} as their {figure}, and all rows have {of_all} (amounts in minor units)",
                    cut.as_str()
                )));
            }
        }
    }
    Ok(())
}

/// Returns the first figure in which two totals differ: its name, and both values.
fn first_difference(
    one: &CommissionTotals,
    other: &CommissionTotals,
) -> Option<(&'static str, i128, i128)> {
    figures(one)
        .into_iter()
        .zip(figures(other))
        .find(|((_, one), (_, other))| one != other)
        .map(|((name, one), (_, other))| (name, one, other))
}

/// Returns the figures of totals with their names for people; amounts in minor units.
fn figures(totals: &CommissionTotals) -> [(&'static str, i128); 15] {
    let CommissionTotals {
        sales,
        sales_cents,
        refunds,
        refunds_cents,
        net_cents,
        expected_cents,
        commissions,
        actual_cents,
        difference_cents,
        paid_cents,
        unpaid_cents,
        paid_unknown_cents,
        paid_unknown,
        denied_cents,
        denied_paid_cents,
    } = *totals;
    [
        ("number of sales", sales.into()),
        ("amount of sales", sales_cents),
        ("number of refunds", refunds.into()),
        ("amount of refunds", refunds_cents),
        ("amount of sales less refunds", net_cents),
        ("expected commissions", expected_cents),
        ("number of commissions", commissions.into()),
        ("actual commissions", actual_cents),
        ("difference", difference_cents),
        ("paid commissions", paid_cents),
        ("unpaid commissions", unpaid_cents),
        ("commissions not known to be paid", paid_unknown_cents),
        (
            "number of commissions not known to be paid",
            paid_unknown.into(),
        ),
        ("denied commissions", denied_cents),
        ("denied commissions that were paid", denied_paid_cents),
    ]
}

fn added(one: &CommissionTotals, other: &CommissionTotals) -> CommissionTotals {
    CommissionTotals {
        sales: one.sales + other.sales,
        sales_cents: one.sales_cents + other.sales_cents,
        refunds: one.refunds + other.refunds,
        refunds_cents: one.refunds_cents + other.refunds_cents,
        net_cents: one.net_cents + other.net_cents,
        expected_cents: one.expected_cents + other.expected_cents,
        commissions: one.commissions + other.commissions,
        actual_cents: one.actual_cents + other.actual_cents,
        difference_cents: one.difference_cents + other.difference_cents,
        paid_cents: one.paid_cents + other.paid_cents,
        unpaid_cents: one.unpaid_cents + other.unpaid_cents,
        paid_unknown_cents: one.paid_unknown_cents + other.paid_unknown_cents,
        paid_unknown: one.paid_unknown + other.paid_unknown,
        denied_cents: one.denied_cents + other.denied_cents,
        denied_paid_cents: one.denied_paid_cents + other.denied_paid_cents,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_that_do_not_add_up_are_reported_in_plain_words() {
        let of_sales = |sales_cents| CommissionTotals {
            sales: 2,
            sales_cents,
            ..CommissionTotals::default()
        };
        let line = |figures| TotalLine {
            value: Some("pro".to_owned()),
            currency: "USD".to_owned(),
            figures,
        };
        let mut totals = AuditTotals::default();
        totals.in_all.insert("USD".to_owned(), of_sales(300));
        totals.by.insert(Cut::Plan, vec![line(of_sales(300))]);
        assert!(check(&totals).is_ok());
        totals.by.insert(Cut::Plan, vec![line(of_sales(200))]);
        assert_eq!(
            check(&totals).unwrap_err().to_string(),
            "the audit does not add up: by plan, the lines of USD have 200 as their amount of sales, and all rows have 300 (amounts in minor units)"
        );
    }
}

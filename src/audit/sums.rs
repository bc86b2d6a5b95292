//! Adds both sides up: once at the finest grain, by Polars, and from there by each cut.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use polars::prelude::*;

use super::books::{Books, Code, month_of};
use super::judge::Judge;
use super::matching::index;
use super::{AuditError, Cut, Figures, Status, TotalLine, Totals};

/// What a line of the long table adds to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Measure {
    Sale = 1,
    Refund,
    Expected,
    Paid,
    Unpaid,
    PaidUnknown,
    Denied,
}

impl Measure {
    const ALL: [Measure; 7] = [
        Measure::Sale,
        Measure::Refund,
        Measure::Expected,
        Measure::Paid,
        Measure::Unpaid,
        Measure::PaidUnknown,
        Measure::Denied,
    ];

    fn code(self) -> u32 {
        self as u32
    }

    fn add(self, figures: &mut Figures, rows: u64, cents: i128) {
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
            Measure::Paid => figures.paid_cents += cents,
            Measure::Unpaid => figures.unpaid_cents += cents,
            Measure::PaidUnknown => figures.paid_unknown_cents += cents,
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

/// Under which head something is added up.
#[derive(Clone, Copy)]
struct Head {
    promoter: Code,
    campaign: Code,
    plan: Code,
    month: Option<i64>,
    unit: Code,
    status: Option<Status>,
}

/// The long table, by column.
#[derive(Default)]
struct Long {
    promoter: Vec<u32>,
    campaign: Vec<u32>,
    plan: Vec<u32>,
    month: Vec<u32>,
    unit: Vec<u32>,
    status: Vec<u32>,
    measure: Vec<u32>,
    cents: Vec<i64>,
    /// Beside the columns, for the check.
    in_all: BTreeMap<Code, Figures>,
    size: i128,
}

const KEYS: [&str; 7] = [
    "promoter", "campaign", "plan", "month", "unit", "status", "measure",
];

impl Long {
    fn push(&mut self, head: Head, measure: Measure, cents: i64) {
        self.promoter.push(head.promoter);
        self.campaign.push(head.campaign);
        self.plan.push(head.plan);
        let month = head.month.and_then(|month| u32::try_from(month + 1).ok());
        self.month.push(month.unwrap_or(0));
        self.unit.push(head.unit);
        let status = head
            .status
            .and_then(|status| Status::ALL.iter().position(|one| *one == status));
        let status = status.and_then(|place| u32::try_from(place + 1).ok());
        self.status.push(status.unwrap_or(0));
        self.measure.push(measure.code());
        self.cents.push(cents);
        self.size += i128::from(cents.unsigned_abs());
        measure.add(
            self.in_all.entry(head.unit).or_default(),
            1,
            i128::from(cents),
        );
    }

    /// A line for each head and measure, with rows and cents.
    fn grouped(self) -> PolarsResult<DataFrame> {
        let height = self.cents.len();
        let columns = [
            self.promoter,
            self.campaign,
            self.plan,
            self.month,
            self.unit,
            self.status,
            self.measure,
        ];
        let columns = KEYS
            .iter()
            .zip(columns)
            .map(|(name, codes)| UInt32Chunked::from_vec((*name).into(), codes).into_column());
        let cents = Int64Chunked::from_vec("cents".into(), self.cents).into_column();
        let columns = columns.chain([cents]).collect();
        // Polars wraps sums that do not fit, in silence.
        let sum = match self.size <= i128::from(i64::MAX) {
            true => col("cents").sum().cast(DataType::Int128),
            false => col("cents").cast(DataType::Int128).sum(),
        };
        DataFrame::new(height, columns)?
            .lazy()
            .group_by(KEYS.map(col))
            .agg([sum, len().alias("rows")])
            .collect()
    }
}

/// Adds up both sides, and checks that every cut comes to the same.
pub(super) fn totals(judge: &Judge<'_>, zone: &TimeZone) -> Result<Totals, AuditError> {
    let books = judge.books;
    let mut long = Long::default();
    add_ours(&mut long, judge, zone);
    add_theirs(&mut long, judge, zone);
    for part in &judge.expected {
        let head = Head {
            promoter: part.promoter,
            campaign: part.campaign,
            plan: part.plan,
            month: month_of(part.created_ms, zone),
            unit: part.unit,
            status: part.status,
        };
        long.push(head, Measure::Expected, part.cents);
    }
    let in_all = std::mem::take(&mut long.in_all);
    let totals = Totals {
        in_all: in_all
            .into_iter()
            .map(|(unit, figures)| (unit_name(books, unit), figures))
            .collect(),
        by: cuts(books, &long.grouped()?)?,
    };
    check(&totals)?;
    Ok(totals)
}

fn add_ours(long: &mut Long, judge: &Judge<'_>, zone: &TimeZone) {
    let books = judge.books;
    for (row, ours) in books.ours.iter().enumerate() {
        let main = judge.main_of.get(row).copied().flatten();
        let main = main.map(|main| books.theirs[index(main)]);
        let lead = judge.matching.lead.get(row).copied().flatten();
        let lead = lead.map_or(0, |lead| books.leads[index(lead)].promoter);
        let known = [lead, main.map_or(0, |main| main.promoter), ours.promoter];
        let promoter = known.into_iter().find(|code| *code != 0).unwrap_or(0);
        let usual = books.campaign_of.get(&promoter).copied();
        let head = Head {
            promoter,
            campaign: main.map(|main| main.campaign).or(usual).unwrap_or(0),
            plan: match ours.plan {
                0 => main.map_or(0, |main| main.plan),
                plan => plan,
            },
            month: month_of(ours.created_ms, zone),
            unit: ours.currency,
            status: main.map(|main| main.status),
        };
        let measure = if ours.is_refund {
            Measure::Refund
        } else {
            Measure::Sale
        };
        long.push(head, measure, ours.amount_cents);
    }
}

fn add_theirs(long: &mut Long, judge: &Judge<'_>, zone: &TimeZone) {
    let books = judge.books;
    for (theirs, matched) in books.theirs.iter().zip(&judge.matching.billed) {
        let plan = matched.map_or(0, |(row, _)| books.ours[index(row)].plan);
        let head = Head {
            promoter: theirs.promoter,
            campaign: theirs.campaign,
            plan: if plan == 0 { theirs.plan } else { plan },
            month: month_of(theirs.created_ms, zone),
            unit: theirs.unit,
            status: Some(theirs.status),
        };
        let measure = match (theirs.status, theirs.is_paid) {
            (Status::Denied, _) => Measure::Denied,
            (_, Some(true)) => Measure::Paid,
            (_, Some(false)) => Measure::Unpaid,
            (_, None) => Measure::PaidUnknown,
        };
        long.push(head, measure, theirs.amount_cents);
    }
}

fn unit_name(books: &Books, unit: Code) -> String {
    books.names.name(unit).unwrap_or_default().to_owned()
}

type Lines = BTreeMap<(Option<String>, String), Figures>;

fn cuts(books: &Books, grouped: &DataFrame) -> Result<BTreeMap<Cut, Vec<TotalLine>>, AuditError> {
    let codes = |name: &str| grouped.column(name)?.u32().cloned();
    let [promoters, campaigns, plans, months, units, states, measures] = [
        codes("promoter")?,
        codes("campaign")?,
        codes("plan")?,
        codes("month")?,
        codes("unit")?,
        codes("status")?,
        codes("measure")?,
    ];
    let cents = grouped.column("cents")?.i128()?.clone();
    let rows = grouped.column("rows")?.cast(&DataType::Int64)?;
    let rows = rows.i64()?.clone();
    let mut cuts: BTreeMap<Cut, Lines> = BTreeMap::new();
    for line in 0..grouped.height() {
        let code = |codes: &UInt32Chunked| codes.get(line).unwrap_or(0);
        let name = |code| books.names.name(code).map(str::to_owned);
        let unit = unit_name(books, code(&units));
        let measure = Measure::ALL
            .into_iter()
            .find(|one| one.code() == code(&measures));
        let count = rows
            .get(line)
            .and_then(|rows| rows.try_into().ok())
            .unwrap_or(0);
        for cut in Cut::ALL {
            let value = match cut {
                Cut::Promoter => {
                    let promoter = books.promoters.promoter(code(&promoters));
                    promoter.name().map(str::to_owned)
                }
                Cut::Campaign => books.campaign(code(&campaigns)).0.map(str::to_owned),
                Cut::Plan => name(code(&plans)),
                Cut::Month => month_name(code(&months)),
                Cut::Currency => Some(unit.clone()),
                Cut::Status => status_name(code(&states)),
            };
            let lines = cuts.entry(cut).or_default();
            let figures = lines.entry((value, unit.clone())).or_default();
            if let Some(measure) = measure {
                measure.add(figures, count, cents.get(line).unwrap_or(0));
            }
        }
    }
    let line = |((value, currency), figures)| TotalLine {
        value,
        currency,
        figures,
    };
    let cuts = cuts.into_iter();
    Ok(cuts
        .map(|(cut, lines)| (cut, lines.into_iter().map(line).collect()))
        .collect())
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

/// Every cut comes to the same as the rows themselves, which were added up without Polars.
fn check(totals: &Totals) -> Result<(), AuditError> {
    for (cut, lines) in &totals.by {
        let mut sums: BTreeMap<&str, Figures> = BTreeMap::new();
        for line in lines {
            let sum = sums.entry(&line.currency).or_default();
            *sum = added(sum, &line.figures);
        }
        for (currency, in_all) in &totals.in_all {
            let sum = sums.get(currency.as_str()).copied().unwrap_or_default();
            if sum != *in_all {
                return Err(AuditError::Unbalanced(format!(
                    "by {}, the lines of {currency} come to {sum:?}, and all of it to {in_all:?}",
                    cut.as_str()
                )));
            }
        }
    }
    Ok(())
}

fn added(one: &Figures, other: &Figures) -> Figures {
    Figures {
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
        denied_cents: one.denied_cents + other.denied_cents,
    }
}

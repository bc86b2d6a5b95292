//! Commissions from a CSV that was exported, read by a profile.

use std::collections::HashMap;
use std::collections::hash_map::{DefaultHasher, Entry};
use std::hash::{Hash, Hasher};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::deciding::{DecidingColumn, DecidingColumns, SecondName};
use crate::audit::{Commission, Promoter, SourceLocation, Status, Unit};
use crate::classify::{Classifier, CommissionOutcome, CommissionRow, CommissionStatus};
use crate::event::{Currency, Text, day_in};
use crate::export::{Export, ExportError, Row};
use crate::job::{Rows, export_problem};
use crate::problem::{Problem, ProblemCode, Problems};
use crate::profile::{Binding, Profile};

/// A list of commissions, as it was read.
#[derive(Debug, Default)]
pub struct ReadCommissions {
    /// The commissions, with their places.
    pub commissions: Vec<Commission>,
    /// The counts of the rows: those that are commissions count as rows with events.
    pub rows: Rows,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// The problems that a person should fix.
    pub problems: Problems,
    /// `true` if each commission says whether it is approved; one that does not counts as approved.
    pub has_status: bool,
    /// The events that lines name which are no commissions that can be read.
    pub unread_ids: Vec<String>,
    /// Columns that are not read and whose names are of what an audit compares.
    pub not_read: Vec<String>,
    /// Those of them that may decide what is paid, by their names and by what they say.
    pub deciding: Vec<DecidingColumn>,
}

/// Parts of the names of columns that an audit should read, in lower case: what decides about a commission, what it
/// is for, and how much it is, also in some other languages.
const TELLING: [&str; 53] = [
    "status",
    "state",
    "zustand",
    "estado",
    "statut",
    "stato",
    "approv",
    "approuv",
    "aprob",
    "genehm",
    "freig",
    "denied",
    "reject",
    "refus",
    "rechaz",
    "rifiut",
    "abgelehnt",
    "void",
    "delet",
    "cancel",
    "storn",
    "annul",
    "anul",
    "paid",
    "bezahlt",
    "ausgezahlt",
    "payout",
    "pagad",
    "pagat",
    "currency",
    "währung",
    "waehrung",
    "devise",
    "moneda",
    "valuta",
    "divisa",
    "order",
    "sale",
    "invoice",
    "event",
    "transaction",
    "charge",
    "reversed",
    "refund",
    "rembours",
    "commission",
    "provision",
    "comisi",
    "amount",
    "betrag",
    "montant",
    "importe",
    "importo",
];

/// Parts of the names of columns that say whose a commission is, which one that is read says already.
const WHOSE: [&str; 3] = ["promoter", "affiliate", "partner"];

/// Reads a CSV of commissions by a profile for such lists, whose columns `binding` has found. A date without a time is a
/// day in `zone`, that of the audit, unless the profile has a zone of its own.
///
/// # Errors
///
/// The file can't be read to its end.
pub fn read_csv(
    mut export: Export,
    profile: &Profile,
    binding: Binding,
    account_currency: Currency,
    (zone, now): (&TimeZone, Timestamp),
) -> Result<ReadCommissions, Box<Problem>> {
    let header = export.header().to_vec();
    let columns = header.iter().enumerate();
    let unread: Vec<(usize, &String)> = columns.filter(|(place, _)| !binding.has(*place)).collect();
    let own = profile.commission.as_ref();
    // Words that are read may speak against a commission, too.
    let kind = own
        .and_then(|own| binding.position(own.kind?))
        .and_then(|place| Some((place, header.get(place)?)));
    let deciding = DecidingColumns::new(
        unread.iter().copied().chain(kind),
        |name| second_name(profile, &binding, name),
        account_currency.code(),
        zone.to_datetime(now).date(),
    );
    let status = own.and_then(|own| binding.position(own.status?));
    let mut reader = ListReader {
        file: export.path().display().to_string(),
        zone,
        status,
        event_id: own.and_then(|own| binding.position(own.event_id?)),
        classifier: Classifier::new(profile, binding, &header, account_currency),
        seen: LinesById::default(),
        deciding,
        read: ReadCommissions {
            has_status: status.is_some(),
            ..ReadCommissions::default()
        },
    };
    let failed = |error: ExportError| Box::new(export_problem(&error));
    let mut row = Row::new();
    while export.read_row(&mut row).map_err(failed)? {
        reader.read_row(&mut row);
    }
    let ListReader {
        mut read, deciding, ..
    } = reader;
    read.sha256 = export.finish().map_err(failed)?.sha256;
    name_unread(&mut read, &unread, deciding);
    Ok(read)
}

/// Reads the rows of a list.
struct ListReader<'r> {
    file: String,
    zone: &'r TimeZone,
    /// The place of the column that says whether a commission is approved.
    status: Option<usize>,
    /// The place of the column with the id of the event.
    event_id: Option<usize>,
    classifier: Classifier<'r>,
    seen: LinesById,
    deciding: DecidingColumns,
    read: ReadCommissions,
}

impl ListReader<'_> {
    /// Takes one row: a commission, a problem, or nothing.
    fn read_row(&mut self, row: &mut Row) {
        self.read.rows.read += 1;
        self.classifier.settle(row);
        match self.classifier.commission(row) {
            CommissionOutcome::Commission(commission) => match self.seen.add(&commission, row) {
                Repetition::New => self.add(*commission, row),
                Repetition::Again(first) => {
                    self.read.rows.ignored += 1;
                    self.report(said_again(first), row);
                }
                Repetition::OtherContent(first) => {
                    self.read.rows.rejected += 1;
                    self.report(said_otherwise(first), row);
                }
            },
            CommissionOutcome::Rejected(problem) => {
                self.read.rows.rejected += 1;
                let id = self
                    .event_id
                    .and_then(|at| row.get(at))
                    .map(str::trim)
                    .filter(|id| !id.is_empty());
                self.read.unread_ids.extend(id.map(str::to_owned));
                self.report(*problem, row);
            }
            CommissionOutcome::Ignored(_) => self.read.rows.ignored += 1,
        }
    }

    /// Adds a commission that no line before has.
    fn add(&mut self, commission: CommissionRow, row: &Row) {
        let cell = self.status.and_then(|at| row.get(at));
        self.read.has_status &= cell.is_some_and(|cell| !cell.trim().is_empty());
        // What is denied is not paid, whatever else speaks against it.
        if commission.status != CommissionStatus::Denied {
            self.deciding.add(row, commission.amount_cents);
        }
        let is_day = commission.is_day;
        let place = SourceLocation {
            file: self.file.clone(),
            line: Some(row.line()),
        };
        let mut commission = commission_of(commission, place);
        let at = commission.created_at;
        commission.created_at = at.map(|at| day_in(at, is_day, self.zone));
        self.read.rows.with_events += 1;
        self.read.commissions.push(commission);
    }

    fn report(&mut self, problem: Problem, row: &Row) {
        let problem = problem.at(&self.file, Some(row.line()));
        self.read.problems.push(problem);
    }
}

/// Returns the problem of a line that an earlier one says already.
fn said_again(first: u64) -> Problem {
    Problem::warning(
        ProblemCode::CommissionAgain,
        format!("line {first} already has this commission; it counts once"),
    )
}

/// Returns the problem of a line that has the id of an earlier one and another content.
fn said_otherwise(first: u64) -> Problem {
    Problem::error(
        ProblemCode::CommissionAgain,
        format!("line {first} already has this commission, with other content"),
    )
    .hint("keep the line that is right, and remove the other; a list that was put together of two exports may have both")
}

/// The lines of a list by the ids of their commissions.
#[derive(Default)]
struct LinesById(HashMap<Text, (u64, u64)>);

/// Tells whether a commission was read before.
enum Repetition {
    New,
    /// It stands in this line, too.
    Again(u64),
    /// A commission with the same id and another content stands in this line.
    OtherContent(u64),
}

impl LinesById {
    fn add(&mut self, commission: &CommissionRow, row: &Row) -> Repetition {
        let Some(id) = &commission.id else {
            return Repetition::New;
        };
        let mut hasher = DefaultHasher::new();
        row.iter().for_each(|cell| cell.hash(&mut hasher));
        let content = hasher.finish();
        match self.0.entry(id.clone()) {
            Entry::Vacant(entry) => {
                entry.insert((row.line(), content));
                Repetition::New
            }
            Entry::Occupied(known) => match *known.get() {
                (line, same) if same == content => Repetition::Again(line),
                (line, _) => Repetition::OtherContent(line),
            },
        }
    }
}

/// Names the columns that are not read and that an audit should read, by their names and by what they say.
fn name_unread(read: &mut ReadCommissions, unread: &[(usize, &String)], deciding: DecidingColumns) {
    let mut commissions = read.commissions.iter();
    let has_promoter = commissions.any(|own| !own.promoter.is_unknown());
    let told = unread
        .iter()
        .filter(|(place, name)| !deciding.is_silent(*place) && is_telling(name, has_promoter));
    read.not_read = told.map(|(_, name)| (*name).clone()).collect();
    read.deciding = deciding.found();
    for column in &read.deciding {
        if !read.not_read.contains(&column.name) {
            read.not_read.push(column.name.clone());
        }
    }
}

/// Returns what a column is another name of, if the profile knows it and reads another column for it: of the amount, the
/// promoter, and whether it was paid. Lists have several dates and ids, which may differ.
fn second_name(profile: &Profile, binding: &Binding, name: &str) -> Option<SecondName> {
    let own = profile.commission.as_ref()?;
    let amount = [Some(own.amount)];
    let texts = [own.promoter_email, own.promoter_id, own.ref_id, own.is_paid];
    let columns = amount
        .map(|column| (column, true))
        .into_iter()
        .chain(texts.map(|column| (column, false)));
    let mut known = columns.filter_map(|(column, is_amount)| {
        let headers = &profile.columns[column?].headers;
        let is_known = headers
            .iter()
            .any(|header| header.eq_ignore_ascii_case(name.trim()));
        let of = binding.position(column?).filter(|_| is_known)?;
        Some(SecondName { of, is_amount })
    });
    known.next()
}

/// Returns `true` if an audit should read a column by its name; one that says whose a commission is only if no other one
/// does.
fn is_telling(name: &str, has_promoter: bool) -> bool {
    let name = name.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    has(&TELLING) || (!has_promoter && has(&WHOSE))
}

fn commission_of(row: CommissionRow, place: SourceLocation) -> Commission {
    let owned = |text: Option<Text>| text.map(String::from);
    Commission {
        place,
        id: owned(row.id),
        status: match row.status {
            CommissionStatus::Approved => Status::Approved,
            CommissionStatus::Pending => Status::Pending,
            CommissionStatus::Denied => Status::Denied,
        },
        unit: match row.other_unit {
            Some(unit) => Unit::Other(unit.into()),
            None => Unit::Cash(row.currency),
        },
        amount_cents: row.amount_cents,
        sale_amount_cents: row.sale_amount_cents,
        original_sale: None,
        // One that names an event is that of a sale.
        is_by_hand: row.is_by_hand && row.event_id.is_none(),
        event_id: owned(row.event_id),
        tier: row.tier,
        is_split: row.is_split,
        is_paid: row.is_paid,
        created_at: row.created_at,
        status_updated_at: None,
        is_plan_of_lead: false,
        promoter: Promoter {
            id: owned(row.promoter_id),
            email: owned(row.promoter_email),
            ref_id: owned(row.ref_id),
        },
        campaign_id: owned(row.campaign_id),
        campaign: owned(row.campaign),
        plan: owned(row.plan),
        customer: row.customer,
    }
}

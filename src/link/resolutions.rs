//! The sales of refunds, as the user names them in a CSV.

use std::collections::{BTreeMap, HashSet};
use std::io::Read;

use super::SaleHistory;
use crate::event::{EventKey, Events, Kind, Text};
use crate::problem::{Problem, ProblemCode};
use crate::spreadsheet::restore;

/// The columns of the file that names the sales of refunds.
const COLUMNS: [&str; 2] = ["refund_event_id", "sale_event_id"];

/// The sales of refunds, as the user names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolutions {
    /// The file in which they stand.
    path: String,
    /// By the `event_id` of the refund.
    sales: BTreeMap<Text, Resolution>,
}

/// A sale, as the user names it for a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Resolution {
    sale: Text,
    line: u64,
}

impl Resolutions {
    /// Reads a CSV with the columns `refund_event_id` and `sale_event_id`; or says what is wrong with it.
    /// `path` names it in messages.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, each with its line.
    pub fn read(path: &str, csv: impl Read) -> Result<Self, Vec<Problem>> {
        let mut resolutions = Resolutions {
            path: path.to_owned(),
            sales: BTreeMap::new(),
        };
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(csv);
        let first_line = match reader.headers() {
            Ok(header) => header.clone(),
            Err(error) => return Err(vec![Self::unreadable(path, &error)]),
        };
        let header: Vec<&str> = first_line
            .iter()
            .map(|name| name.trim_start_matches('\u{feff}'))
            .collect();
        if header != COLUMNS {
            let message = format!("the header is `{}`", header.join(","));
            return Err(vec![resolutions.problem(
                message,
                Some(1),
                "the header has to be `refund_event_id,sale_event_id`",
            )]);
        }
        let mut problems = Vec::new();
        for record in reader.records() {
            match record {
                Ok(record) => problems.extend(resolutions.add(&record)),
                Err(error) => {
                    problems.push(Self::unreadable(path, &error));
                    break;
                }
            }
        }
        if problems.is_empty() {
            Ok(resolutions)
        } else {
            Err(problems)
        }
    }

    /// Says that a file can't be read.
    pub fn unreadable(path: &str, error: &csv::Error) -> Problem {
        let line = error.position().map(csv::Position::line);
        let message = format!("the file can't be read: {error}");
        Problem::error(ProblemCode::ResolutionInvalid, message)
            .at(path, line)
            .hint("save it as a CSV in UTF-8 with the columns refund_event_id,sale_event_id")
    }

    fn add(&mut self, record: &csv::StringRecord) -> Option<Problem> {
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |index: usize| restore(record.get(index).unwrap_or_default()).into_owned();
        let (refund, sale) = (cell(0), cell(1));
        if refund.is_empty() || sale.is_empty() {
            let hint = "name a refund and its sale, or remove the line";
            return Some(self.problem("an id is missing", Some(line), hint));
        }
        let named = Resolution {
            sale: Text::new(&sale),
            line,
        };
        let above = self.sales.insert(Text::new(&refund), named);
        above.filter(|above| above.sale != sale).map(|_| {
            let message = format!("`{refund}` has another sale in a line above");
            let hint = "a refund reverses one sale: remove one of the lines";
            self.problem(message, Some(line), hint)
        })
    }

    /// Returns the `event_id` of the sale that the user names for a refund.
    pub fn sale_of(&self, refund: &str) -> Option<&str> {
        self.sales.get(refund).map(|named| named.sale.as_str())
    }

    /// Returns the `event_id`s of the refunds that are named, each with that of its sale.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let sales = self.sales.iter();
        sales.map(|(refund, named)| (refund.as_str(), named.sale.as_str()))
    }

    /// Returns whether none is named.
    pub fn is_empty(&self) -> bool {
        self.sales.is_empty()
    }

    /// Says which of them name a refund or a sale that neither these events nor earlier runs have, nor the account's list, if
    /// it was read: `is_in_account` says whether it has a refund.
    pub fn unknown(
        &self,
        events: &Events,
        earlier: &dyn SaleHistory,
        is_in_account: &dyn Fn(&str) -> bool,
    ) -> Vec<Problem> {
        let mut here: HashSet<(Kind, &str)> = HashSet::new();
        let ids: HashSet<&str> = self
            .sales
            .iter()
            .flat_map(|(refund, named)| [refund.as_str(), named.sale.as_str()])
            .collect();
        if !ids.is_empty() {
            let named = events.iter().filter(|event| ids.contains(event.event_id()));
            here.extend(named.map(|event| (event.kind, event.event_id())));
        }
        let is_known = |kind: Kind, id: &Text| {
            let recorded = || earlier.essence(EventKey::from_id(id));
            here.contains(&(kind, id.as_str()))
                || recorded().is_some_and(|e| e.kind == kind)
                || kind == Kind::Refund && is_in_account(id)
        };
        let mut unknown: Vec<(u64, String)> = Vec::new();
        for (refund, named) in &self.sales {
            let nobody_knows = |kind: Kind, id: &Text| {
                let message =
                    format!("there is no {kind} `{id}` in these exports or in the journal");
                (!is_known(kind, id)).then_some((named.line, message))
            };
            let wrong = nobody_knows(Kind::Refund, refund);
            unknown.extend(wrong.or_else(|| nobody_knows(Kind::Sale, &named.sale)));
        }
        unknown.sort();
        let hint = "copy the ids from held.csv, or take the line out; for a refund of the account, run with `--in-account hold`";
        let unknown = unknown.into_iter();
        unknown
            .map(|(line, message)| self.problem(message, Some(line), hint))
            .collect()
    }

    fn problem(&self, message: impl Into<String>, line: Option<u64>, hint: &str) -> Problem {
        let problem = Problem::error(ProblemCode::ResolutionInvalid, message.into());
        problem.at(&self.path, line).hint(hint)
    }
}

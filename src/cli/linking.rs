//! What the user says of refunds whose sale is not named or not found.

use std::collections::HashMap;
use std::path::Path;

use super::arguments::LinkArguments;
use super::error::CliError;
use super::settings::Settings;
use crate::bounded::{Bounded, TABLE_BYTES};
use crate::event::Text;
use crate::job::Unplanned;
use crate::link::{Resolution, Rules};
use crate::plan::Past;
use crate::problem::Problem;
use crate::spreadsheet::restore;

/// The columns of the file that names the sales of refunds.
const COLUMNS: [&str; 2] = ["refund_event_id", "sale_event_id"];

/// The rules in force, and where each resolution stands.
pub(super) struct Linking {
    path: String,
    lines: HashMap<Text, u64>,
}

impl Linking {
    /// Reads what is in force and gives it to the job.
    pub(super) fn load(
        arguments: &LinkArguments,
        settings: &Settings,
    ) -> Result<(Self, Rules), CliError> {
        let mut linking = Linking {
            path: String::new(),
            lines: HashMap::new(),
        };
        let mut rules = Rules {
            match_by_customer: settings.match_by_customer,
            send_unlinked: settings.send_unlinked,
            resolutions: HashMap::new(),
        };
        if let Some(path) = arguments.link.as_ref().or(settings.resolutions.as_ref()) {
            linking.path = path.display().to_string();
            let problems = linking.read(path, &mut rules.resolutions);
            if !problems.is_empty() {
                return Err(CliError::Unusable(problems));
            }
        }
        Ok((linking, rules))
    }

    fn problem(&self, message: impl Into<String>, line: Option<u64>, hint: &str) -> Problem {
        let problem = Problem::error("resolution-invalid", message.into());
        problem.at(&self.path, line).hint(hint)
    }

    /// Reads the resolutions; says what is wrong with them.
    fn read(&mut self, path: &Path, resolutions: &mut HashMap<Text, Text>) -> Vec<Problem> {
        let unreadable = |linking: &Self, error: &csv::Error| {
            let line = error.position().map(csv::Position::line);
            let message = format!("the file can't be read: {error}");
            vec![linking.problem(
                message,
                line,
                "it is a CSV in UTF-8 with the columns refund_event_id,sale_event_id",
            )]
        };
        let file = match Bounded::open(path, TABLE_BYTES) {
            Ok(file) => file,
            Err(error) => return unreadable(self, &error.into()),
        };
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(file);
        let header = match reader.headers() {
            Ok(header) => header.clone(),
            Err(error) => return unreadable(self, &error),
        };
        let header: Vec<&str> = header
            .iter()
            .map(|name| name.trim_start_matches('\u{feff}'))
            .collect();
        if header != COLUMNS {
            let message = format!("the header is `{}`", header.join(","));
            return vec![self.problem(
                message,
                Some(1),
                "the header has to be `refund_event_id,sale_event_id`",
            )];
        }
        let mut problems = Vec::new();
        for record in reader.records() {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    problems.extend(unreadable(self, &error));
                    break;
                }
            };
            let line = record.position().map_or(0, csv::Position::line);
            let cell = |index: usize| restore(record.get(index).unwrap_or_default()).into_owned();
            let (refund, sale) = (cell(0), cell(1));
            if refund.is_empty() || sale.is_empty() {
                let hint = "name a refund and its sale, or remove the line";
                problems.push(self.problem("an id is missing", Some(line), hint));
                continue;
            }
            let earlier = resolutions.insert(Text::new(&refund), Text::new(&sale));
            if earlier.is_some_and(|earlier| earlier != sale.as_str()) {
                let message = format!("`{refund}` has another sale in a line above");
                problems.push(self.problem(
                    message,
                    Some(line),
                    "a refund reverses one sale: remove one of the lines",
                ));
            }
            self.lines.insert(Text::new(&refund), line);
        }
        problems
    }

    /// Refuses resolutions that name a refund or a sale that nobody knows.
    pub(super) fn check(&self, unplanned: &Unplanned, past: &dyn Past) -> Result<(), CliError> {
        let mut unknown = unplanned.unknown_resolutions(past);
        unknown.sort_by_key(|(refund, _)| self.lines.get(refund).copied());
        let problems: Vec<Problem> = unknown
            .into_iter()
            .map(|(refund, resolution)| {
                let message = match resolution {
                    Resolution::UnknownRefund => {
                        format!("there is no refund `{refund}` in these exports or in the journal")
                    }
                    Resolution::UnknownSale(sale) => {
                        format!("there is no sale `{sale}` in these exports or in the journal")
                    }
                };
                let line = self.lines.get(&refund).copied();
                self.problem(
                    message,
                    line,
                    "copy the ids from held.csv, or take the line out",
                )
            })
            .collect();
        match problems.is_empty() {
            true => Ok(()),
            false => Err(CliError::Unusable(problems)),
        }
    }
}

//! Checks that a journal is still what was written into it.
//!
//! Opening a journal for writing checks its pages, and reading checks the seals of what is read. This checks
//! everything, and goes on after the first thing that is wrong.

use std::collections::{HashMap, HashSet};

use rusqlite::Row;
use rusqlite::types::FromSqlError;

use super::columns::{self, EventColumns, read_settlement};
use super::{Disposition, JournalError, JournalReader, RunRecord, migrate};
use crate::event::EventKey;

/// The number of findings that are kept; the others are counted.
const KEPT: usize = 100;

/// Names what is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// The structure of the file: pages, indexes, constraints.
    Pages,
    /// The rows that other rows name exist.
    References,
    /// The checksums of events, results and conversions, and the keys of events.
    Seals,
    /// Attempts and results agree.
    Attempts,
    /// The rows, events and amounts of each run's exports are accounted for.
    Books,
    /// The last commit is there, as the record beside the journal says. The code that opens the journal
    /// checks it.
    Commits,
}

impl Aspect {
    /// All aspects, in the order in which they are checked.
    pub const ALL: [Aspect; 6] = [
        Aspect::Pages,
        Aspect::References,
        Aspect::Seals,
        Aspect::Attempts,
        Aspect::Books,
        Aspect::Commits,
    ];

    /// Returns the word in the machine output.
    pub fn as_str(self) -> &'static str {
        match self {
            Aspect::Pages => "pages",
            Aspect::References => "references",
            Aspect::Seals => "seals",
            Aspect::Attempts => "attempts",
            Aspect::Books => "books",
            Aspect::Commits => "commits",
        }
    }
}

/// Describes one thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckFinding {
    /// The aspect in whose check it was found.
    pub aspect: Aspect,
    /// The description of what is wrong.
    pub what: String,
}

/// Holds what was checked, and what was found.
#[derive(Clone, Debug, Default)]
pub struct JournalCheck {
    /// The version of the journal's tables.
    pub version: i64,
    /// The number of runs.
    pub runs: u64,
    /// The number of events that were ever to be sent.
    pub events: u64,
    /// The number of requests that were ever intended.
    pub attempts: u64,
    /// The number of events that are held.
    pub held: u64,
    /// The number of rows of exports that gave no event.
    pub source_rows: u64,
    /// The first things that are wrong.
    pub findings: Vec<CheckFinding>,
    /// The number of further findings.
    pub omitted: u64,
}

impl JournalCheck {
    /// Adds a finding.
    pub fn add(&mut self, aspect: Aspect, what: impl Into<String>) {
        if self.findings.len() == KEPT {
            self.omitted += 1;
            return;
        }
        let what = what.into();
        self.findings.push(CheckFinding { aspect, what });
    }

    /// Returns `true` if nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    /// Returns how many of the kept findings belong to an aspect.
    pub fn for_aspect(&self, aspect: Aspect) -> usize {
        let findings = self.findings.iter();
        findings.filter(|found| found.aspect == aspect).count()
    }

    /// Turns damage into a finding: what is after it can't be checked. Other errors end the check.
    fn take(
        &mut self,
        aspect: Aspect,
        looked: Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        match looked {
            Err(JournalError::Damaged { what, .. }) => {
                self.add(aspect, what);
                Ok(())
            }
            other => other,
        }
    }
}

/// Describes an impossible state, by a query that returns the numbers of the events or runs in it.
struct CheckRule {
    aspect: Aspect,
    /// The word for what the numbers identify.
    of: &'static str,
    what: &'static str,
    sql: &'static str,
}

const BELONGS_TO_NO_RUN: &str = "belongs to no run";

const RULES: [CheckRule; 10] = [
    CheckRule {
        aspect: Aspect::Attempts,
        of: "event",
        what: "has attempts that are not numbered from 1 on",
        sql: "SELECT event FROM attempt GROUP BY event
              HAVING min(number) <> 1 OR max(number) <> count(*)",
    },
    CheckRule {
        aspect: Aspect::Attempts,
        of: "event",
        what: "has an attempt by a run that was not started to send it",
        sql: "SELECT event FROM attempt WHERE NOT EXISTS (SELECT 1 FROM run_event
              WHERE run_event.run = attempt.run AND run_event.event = attempt.event)",
    },
    CheckRule {
        aspect: Aspect::Attempts,
        of: "event",
        what: "is tracked, and no answer of the API says so",
        sql:
            "SELECT id FROM event WHERE outcome IN ('tracked', 'already_tracked') AND inferred = 0
              AND NOT EXISTS (SELECT 1 FROM attempt
                  WHERE attempt.event = event.id AND effect = 'recorded')
              AND id NOT IN (SELECT event FROM run_event WHERE run IN (SELECT run FROM pruned_run))",
    },
    CheckRule {
        aspect: Aspect::Attempts,
        of: "event",
        what: "was recorded by the API, and has another outcome or none",
        sql: "SELECT DISTINCT event FROM attempt JOIN event ON event.id = attempt.event
              WHERE effect = 'recorded'
              AND coalesce(outcome, '') NOT IN ('tracked', 'already_tracked')",
    },
    CheckRule {
        aspect: Aspect::Attempts,
        of: "event",
        what: "is unconfirmed, and the answers of all its attempts are known",
        sql: "SELECT id FROM event WHERE outcome = 'unconfirmed' AND inferred = 0
              AND NOT EXISTS (SELECT 1 FROM attempt
                  WHERE attempt.event = event.id AND coalesce(effect, 'unknown') = 'unknown')
              AND id NOT IN (SELECT event FROM in_doubt)",
    },
    CheckRule {
        aspect: Aspect::Attempts,
        of: "event",
        what: "is not a referral, but no answer says so and it was not inferred",
        sql:
            "SELECT id FROM event WHERE outcome = 'non_referral' AND inferred = 0
              AND NOT EXISTS (SELECT 1 FROM attempt
                  WHERE attempt.event = event.id AND answer IS NOT NULL)
              AND id NOT IN (SELECT event FROM run_event WHERE run IN (SELECT run FROM pruned_run))",
    },
    CheckRule {
        aspect: Aspect::Books,
        of: "event",
        what: BELONGS_TO_NO_RUN,
        sql: "SELECT id FROM event WHERE id NOT IN (SELECT event FROM run_event)",
    },
    CheckRule {
        aspect: Aspect::Books,
        of: "run",
        what: "has other rows without events than its exports gave",
        sql: "SELECT DISTINCT input.run FROM input LEFT JOIN (
                  SELECT input, sum(disposition = 'ignored') AS ignored,
                      sum(disposition = 'rejected') AS rejected
                  FROM source_row GROUP BY input) kept ON kept.input = input.id
              LEFT JOIN (SELECT input, sum(rows) AS rows FROM repeated_rows GROUP BY input) again
                  ON again.input = input.id
              WHERE input.run NOT IN (SELECT run FROM pruned_run)
              AND (coalesce(kept.ignored, 0) + coalesce(again.rows, 0) <> rows_ignored
                  OR coalesce(kept.rejected, 0) <> rows_rejected)",
    },
    CheckRule {
        aspect: Aspect::Books,
        of: "run",
        what: "counted held events that are not there, or with other cents",
        sql: "SELECT DISTINCT run FROM (
                  SELECT run, plan_state, kind, currency, count, amount_cents FROM run_total
                  WHERE plan_state IN ('conflict', 'unlinked') AND count > 0
                  EXCEPT
                  SELECT run, plan_state, kind, coalesce(currency, ''), count(*),
                      coalesce(sum(amount_cents), 0)
                  FROM held GROUP BY run, plan_state, kind, currency)",
    },
    CheckRule {
        aspect: Aspect::Books,
        of: "run",
        what: "holds events that it did not count",
        sql: "SELECT DISTINCT run FROM (
                  SELECT run, plan_state, kind, coalesce(currency, '') FROM held
                  WHERE run NOT IN (SELECT run FROM pruned_run)
                  EXCEPT
                  SELECT run, plan_state, kind, currency FROM run_total)",
    },
];

/// What [`RULES`] has for every outcome, for the events that would be sent again.
const OPEN_THOUGH_RECORDED: CheckRule = CheckRule {
    aspect: Aspect::Attempts,
    of: "event",
    what: "was recorded by the API, and has no outcome",
    sql: "SELECT id FROM event WHERE outcome IS NULL AND EXISTS (
              SELECT 1 FROM attempt WHERE attempt.event = event.id AND effect = 'recorded')",
};

impl JournalReader {
    /// Checks everything, and returns what is wrong. It takes as long as reading the whole file, and some 40
    /// bytes of memory an event. `books` says whether a run adds up in what the journal leaves to the
    /// reports.
    ///
    /// # Errors
    ///
    /// The journal can't be read, for another reason than damage.
    pub fn check(
        &self,
        books: impl Fn(&RunRecord) -> Result<Option<String>, JournalError>,
    ) -> Result<JournalCheck, JournalError> {
        let mut checked = JournalCheck::default();
        let looked = self.check_structure(&mut checked);
        checked.take(Aspect::Pages, looked)?;
        let looked = self.check_references(&mut checked);
        checked.take(Aspect::References, looked)?;
        let looked = self.check_seals(&mut checked);
        checked.take(Aspect::Seals, looked)?;
        let looked = self.originals().map(drop);
        checked.take(Aspect::Seals, looked)?;
        let looked = self.undos().map(drop);
        checked.take(Aspect::Seals, looked)?;
        let looked = self.refunded_by_others().map(drop);
        checked.take(Aspect::Seals, looked)?;
        let looked = self.parts_in_account().map(drop);
        checked.take(Aspect::Seals, looked)?;
        let looked = self.commission_runs().map(drop);
        checked.take(Aspect::Seals, looked)?;
        let looked = self.expect_learned_sealed();
        checked.take(Aspect::Seals, looked)?;
        let looked = self.expect_not_sent_sealed();
        checked.take(Aspect::Seals, looked)?;
        let looked = self.left_out_rows().map(drop);
        checked.take(Aspect::Seals, looked)?;
        let looked = self.timed_at_midnight().map(drop);
        checked.take(Aspect::Seals, looked)?;
        let looked = self.payout_requests().map(drop);
        checked.take(Aspect::Seals, looked)?;
        let looked = self.paid_commissions().map(drop);
        checked.take(Aspect::Seals, looked)?;
        let looked = self.lead_date_requests().map(drop);
        checked.take(Aspect::Seals, looked)?;
        let looked = self.flags().map(drop);
        checked.take(Aspect::Seals, looked)?;
        let looked = self.for_each_accepted(drop);
        checked.take(Aspect::Seals, looked)?;
        let looked = self.accepted_differences().map(drop);
        checked.take(Aspect::Seals, looked)?;
        let looked = self.corrected_rows().map(drop);
        checked.take(Aspect::Seals, looked)?;
        let looked = self.read_exports().map(drop);
        checked.take(Aspect::Seals, looked)?;
        let looked = self.in_doubt().map(drop);
        checked.take(Aspect::Seals, looked)?;
        let looked = self.expect_losses_sealed();
        checked.take(Aspect::Seals, looked)?;
        let looked = self.expect_attempts_sealed();
        checked.take(Aspect::Seals, looked)?;
        for rule in &RULES {
            let looked = self.check_rule(rule, &mut checked);
            checked.take(rule.aspect, looked)?;
        }
        let looked = self.check_books(&mut checked, books);
        checked.take(Aspect::Books, looked)?;
        Ok(checked)
    }

    fn check_structure(&self, checked: &mut JournalCheck) -> Result<(), JournalError> {
        let count = |sql| -> Result<i64, JournalError> {
            let found = self.connection.query_row(sql, [], |row| row.get(0));
            found.map_err(|error| self.failed("counting its rows", error))
        };
        checked.version = count("PRAGMA main.user_version")?;
        let sql = format!("PRAGMA main.integrity_check({KEPT})");
        self.each("checking its pages", &sql, [], |row| {
            let verdict: String = row.get(0)?;
            if verdict != "ok" {
                checked.add(Aspect::Pages, verdict);
            }
            Ok(())
        })?;
        for (sql, number) in [
            ("SELECT count(*) FROM run", &mut checked.runs),
            ("SELECT count(*) FROM event", &mut checked.events),
            ("SELECT count(*) FROM attempt", &mut checked.attempts),
            ("SELECT count(*) FROM held", &mut checked.held),
            ("SELECT count(*) FROM source_row", &mut checked.source_rows),
        ] {
            *number = u64::try_from(count(sql)?).unwrap_or_default();
        }
        Ok(())
    }

    fn check_references(&self, checked: &mut JournalCheck) -> Result<(), JournalError> {
        let sql = "PRAGMA main.foreign_key_check";
        self.each("checking its references", sql, [], |row| {
            let (child, parent): (String, String) = (row.get(0)?, row.get(2)?);
            let what = format!("a row of `{child}` names one of `{parent}` that is not there");
            checked.add(Aspect::References, what);
            Ok(())
        })
    }

    /// Checks the seals of all events and their outcomes. A seal that is broken is a finding, and the next
    /// event is checked.
    fn check_seals(&self, checked: &mut JournalCheck) -> Result<(), JournalError> {
        let sql = format!(
            "SELECT e.id, e.key, e.seal, {}, {} FROM event e ORDER BY e.id",
            columns::names(),
            columns::RESULT
        );
        let replaced = self.replaced().unwrap_or_else(|error| {
            checked.add(Aspect::Seals, crate::problem::causes(&error));
            HashMap::new()
        });
        let mut keys = HashSet::new();
        self.each("checking its seals", &sql, [], |row| {
            match check_event(row) {
                Ok(_) if replaced.contains_key(&super::EventRow(row.get(0)?)) => {}
                Ok(key) if keys.insert(key) => {}
                Ok(_) => {
                    let id: i64 = row.get(0)?;
                    checked.add(Aspect::Seals, format!("event {id} is there twice"));
                }
                Err(error) => checked.add(Aspect::Seals, words(&error)),
            }
            Ok(())
        })
    }

    /// Checks everything that can be checked without the reports, but for lost commits.
    ///
    /// # Errors
    ///
    /// Something is not as it was written, or the journal can't be read.
    pub(super) fn expect_sound_in_whole(&self) -> Result<(), JournalError> {
        let checked = self.check(|_| Ok(None))?;
        let mut findings = checked.findings.into_iter();
        match findings.find(|found| found.aspect != Aspect::Commits) {
            Some(found) => Err(JournalError::damaged(&self.path, found.what)),
            None => Ok(()),
        }
    }

    /// Checks the seals of all events, results and attempts, and that each event belongs to a run. This is
    /// done before anything is sent, so that a damaged row is refused in time.
    ///
    /// # Errors
    ///
    /// A row is not as it was written, or the journal can't be read.
    pub(super) fn expect_sound_rows(&self) -> Result<(), JournalError> {
        let sql = format!(
            "SELECT e.id, e.key, e.seal, {}, {} FROM event e ORDER BY e.id",
            columns::names(),
            columns::RESULT
        );
        self.each("checking its seals", &sql, [], |row| {
            check_event(row).map(drop)
        })?;
        self.expect_attempts_sealed()?;
        self.originals()?;
        self.flags()?;
        self.replaced()?;
        self.in_doubt()?;
        self.expect_losses_sealed()?;
        self.for_each_accepted(drop)?;
        self.accepted_differences()?;
        self.payout_requests()?;
        self.paid_commissions()?;
        self.lead_date_requests()?;
        self.expect_readable_texts()?;
        let mut checked = JournalCheck::default();
        let of_sending = RULES.iter().filter(|rule| rule.what == BELONGS_TO_NO_RUN);
        for rule in of_sending.chain([&OPEN_THOUGH_RECORDED]) {
            self.check_rule(rule, &mut checked)?;
        }
        match checked.findings.into_iter().next() {
            Some(found) => Err(JournalError::damaged(&self.path, found.what)),
            None => Ok(()),
        }
    }

    /// Checks the texts that have no seal, all of which a report may need: they are text, and lists are
    /// lists.
    fn expect_readable_texts(&self) -> Result<(), JournalError> {
        for table in ["run", "input", "held", "run_total", "source_row", "problem"] {
            let sql = format!("SELECT * FROM {table}");
            self.each("checking its texts", &sql, [], |row| {
                for column in 0..row.as_ref().column_count() {
                    row.get_ref(column)?
                        .as_str_or_null()
                        .or_else(|error| match error {
                            FromSqlError::InvalidType => Ok(None),
                            other => Err(other),
                        })?;
                }
                Ok(())
            })?;
        }
        for sql in [
            "SELECT id FROM input WHERE NOT json_valid(header)",
            "SELECT id FROM source_row WHERE NOT json_valid(fields)",
        ] {
            self.each("checking its texts", sql, [], |row| {
                let id: i64 = row.get(0)?;
                Err(columns::impossible(
                    0,
                    format!("the cells of row {id} are not a list"),
                ))
            })?;
        }
        Ok(())
    }

    /// Checks the seals of the account, of the events that runs held, and of the rows that gave no event.
    fn expect_not_sent_sealed(&self) -> Result<(), JournalError> {
        migrate::read_account(&self.connection, &self.path)?;
        for run in self.runs(u32::MAX)? {
            self.for_each_held(run.id, |_| Ok::<_, JournalError>(()))?;
            for disposition in [Disposition::Ignored, Disposition::Rejected] {
                self.for_each_row(run.id, disposition, |_| Ok::<_, JournalError>(()))?;
            }
        }
        Ok(())
    }

    fn check_rule(&self, rule: &CheckRule, checked: &mut JournalCheck) -> Result<(), JournalError> {
        self.each("checking its books", rule.sql, [], |row| {
            let number: i64 = row.get(0)?;
            let CheckRule { of, what, .. } = rule;
            checked.add(rule.aspect, format!("{of} {number} {what}"));
            Ok(())
        })
    }

    fn check_books(
        &self,
        checked: &mut JournalCheck,
        books: impl Fn(&RunRecord) -> Result<Option<String>, JournalError>,
    ) -> Result<(), JournalError> {
        let pruned = self.pruned_runs()?;
        let mut runs = self.runs(u32::MAX)?;
        runs.retain(|run| !pruned.contains_key(&run.id));
        for run in runs {
            if let Some(what) = books(&run)? {
                checked.add(Aspect::Books, format!("run {}: {what}", run.name));
            }
        }
        Ok(())
    }
}

/// Reads an event and its result with their seals, and returns its key.
fn check_event(row: &Row<'_>) -> rusqlite::Result<EventKey> {
    let (id, key, columns) = EventColumns::read_sealed(row, 0)?;
    if EventKey::from_id(columns.event_id()) != key {
        let what = format!("event {} has the key of another id", id.0);
        return Err(columns::impossible(1, what));
    }
    read_settlement(row, id, 3 + columns::COUNT)?;
    Ok(key)
}

/// Returns the description of a value that can't be read, without the words around it.
fn words(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::FromSqlConversionFailure(.., cause) => cause.to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use std::path::Path;

    use super::*;
    use crate::journal::guard::tests::open_to_edit;
    use crate::journal::tests::{answer, full, intent, open, place, record, sale};
    use crate::journal::{Effect, Outcome};

    /// Makes a journal with a tracked event, one that is open, and one that is unconfirmed.
    fn journal(path: &Path) {
        let mut journal = open(path).unwrap();
        let events = [sale("in_1", 800, 2), sale("in_2", 900, 3), full()];
        let run = record(&mut journal, &events);
        let entries = [
            intent(run, 1, 1),
            answer(1, 1, Effect::Recorded, Some(Outcome::Tracked)),
            intent(run, 2, 1),
            intent(run, 3, 1),
            answer(3, 1, Effect::Unknown, Some(Outcome::Unconfirmed)),
        ];
        journal.write(&entries).unwrap();
    }

    fn check(path: &Path) -> JournalCheck {
        let reader = JournalReader::open(path).unwrap().unwrap();
        reader.check(|_| Ok(None)).unwrap()
    }

    /// Returns the findings. The fixture's rows are not all there: what the check says of them is taken as
    /// given.
    fn findings(path: &Path) -> Vec<String> {
        let findings = check(path).findings.into_iter();
        let others = findings.filter(|found| !found.what.contains("rows without events"));
        others
            .map(|found| format!("{}: {}", found.aspect.as_str(), found.what))
            .collect()
    }

    #[test]
    fn a_sound_journal_is_sound_while_its_writer_has_it_too() {
        let (_directory, path) = place();
        journal(&path);
        let checked = check(&path);
        assert_eq!((checked.runs, checked.events, checked.attempts), (1, 3, 3));
        assert_eq!(findings(&path), [""; 0]);
        let _writer = open(&path).unwrap();
        assert_eq!(findings(&path), [""; 0]);
    }

    #[test]
    fn every_change_of_an_event_by_hand_is_found() {
        assert_found(&[
            (
                "UPDATE event SET amount_cents = 801 WHERE id = 1",
                "seals: event 1 is not as it was written",
            ),
            (
                "UPDATE event SET message = 'fine' WHERE id = 3",
                "seals: the result of event 3 is not as it was written",
            ),
            (
                "UPDATE attempt SET effect = 'none' WHERE event = 1",
                "attempts: event 1 is tracked, and no answer of the API says so",
            ),
            (
                "UPDATE attempt SET effect = 'recorded', answer = 'x', answered_ms = 1 WHERE event = 2",
                "attempts: event 2 was recorded by the API, and has another outcome or none",
            ),
            (
                "UPDATE attempt SET effect = 'none' WHERE event = 3",
                "attempts: event 3 is unconfirmed, and the answers of all its attempts are known",
            ),
            (
                "UPDATE attempt SET number = 2 WHERE event = 2",
                "attempts: event 2 has attempts that are not numbered from 1 on",
            ),
            (
                "DELETE FROM run_event WHERE event = 2",
                "attempts: event 2 has an attempt by a run that was not started to send it",
            ),
            (
                "DELETE FROM event WHERE id = 2",
                "references: a row of `run_event` names one of `event` that is not there",
            ),
        ]);
    }

    #[test]
    fn every_row_that_is_added_by_hand_is_found() {
        assert_found(&[
            (
                "INSERT INTO flag (event, code, seal) VALUES (1, 'other_amount', 0)",
                "seals: the flag of event 1 is not as it \
                 was written (reading the flagged events)",
            ),
            (
                "INSERT INTO accepted (id, item, code, message, reason, accepted_by, accepted_ms, seal)
                 VALUES (1, zeroblob(16), 'rejected', '', 'why', 'ann', 0, 0)",
                "seals: accepted item 1 is not as it \
                 was written (reading what was accepted)",
            ),
            (
                "INSERT INTO accepted_difference VALUES (1, zeroblob(16), '5f', 'denied', -800, 0, 'USD', '',
                 'why', 'ann', 0, NULL, NULL, 0)",
                "seals: accepted difference 1 is not as it \
                 was written (reading accepted differences)",
            ),
            (
                "INSERT INTO payout_request (id, step, promoter_id, commission_ids, amount_cents, intended_ms, seal)
                 VALUES (1, 'create', '9', '7', 100, 0, 0)",
                "seals: the request for a payout 1 is not as it \
                 was written (reading the requests for payouts)",
            ),
            (
                "INSERT INTO paid_commission VALUES ('7', 1, '5', 100, 0, 0)",
                "seals: what was paid of event 1 is not as it \
                 was written (reading the commissions that were paid)",
            ),
            (
                "INSERT INTO lead_date_request (id, lead_id, event, since_ms, intended_ms, seal)
                 VALUES (1, '9', 1, 0, 0, 0)",
                "seals: the request for a lead's date 1 is not as it \
                 was written (reading the requests for the dates of leads)",
            ),
            (
                "UPDATE account SET account_id = 'wid-9'",
                "seals: its account is not as it was written (reading its account)",
            ),
            (
                "INSERT INTO run_total VALUES (1, 'conflict', 'sale', 'USD', 1, 5)",
                "books: run 1 counted held events that are not there, or with other cents",
            ),
            (
                "INSERT INTO held (run, plan_state, kind, event_id, note)
                 VALUES (1, 'unlinked', 'refund', 'x', '')",
                "books: run 1 holds events that it did not count",
            ),
        ]);
    }

    /// Checks that each of these changes of a journal leads to the finding beside it.
    fn assert_found(changes: &[(&str, &str)]) {
        for (change, expected) in changes {
            let (_directory, path) = place();
            journal(&path);
            let connection = open_to_edit(&path);
            let change = format!("PRAGMA foreign_keys = OFF; {change}");
            connection.execute_batch(&change).unwrap();
            drop(connection);
            let found = findings(&path);
            assert!(
                found.iter().any(|what| what == expected),
                "{change}: {found:?}"
            );
        }
    }

    #[test]
    fn findings_are_bounded_and_the_rest_is_counted() {
        let mut checked = JournalCheck::default();
        for number in 0..KEPT + 7 {
            checked.add(Aspect::Seals, number.to_string());
        }
        assert_eq!((checked.findings.len(), checked.omitted), (KEPT, 7));
        assert!(!checked.is_sound());
    }
}

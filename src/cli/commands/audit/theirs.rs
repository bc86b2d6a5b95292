//! Their side: from a CSV, or from the account's listings, read now or kept.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::destination::Destination;
use super::super::fetched_list::fetch_list;
use super::super::incomplete_listing::{incomplete_listing, order_words};
use super::{AuditCall, LISTINGS};
use crate::audit::ours::Ours;
use crate::audit::output::{TheirsSummary, words};
use crate::audit::statement::Payout;
use crate::audit::theirs::{
    ListedDays, PartialListing, StoreError, balances_of, commissions_of, deciding_of, latest,
    leads_of, parents_of, payouts_of, read_csv,
};
use crate::audit::{Commission, Promoter, ReferredCustomer};
use crate::cli::error::{CliError, Exit};
use crate::cli::exports::Choice;
use crate::cli::open_exports;
use crate::cli::tables::count;
use crate::export::Export;
use crate::job::{export_problem, unanswered, unrecognised};
use crate::journal::Account;
use crate::problem::{Problem, ProblemCode, Problems, causes};
use crate::profile::{Profile, Profiles};
use crate::recognise::{Cells, Recognised, RecognitionReason, recognise};
use crate::send::{self, IncompleteListing, OrderCheck, PageSink};
use crate::shell_word::shell_word;
use crate::tracking::{
    self, Answer, Listed, ListedCommission, ListedPayout, ListedPromoter, Version,
};

/// A list that was fetched longer ago is remarked on.
const OLD_SECONDS: i64 = 24 * 3600;

/// Their side, as it was read.
pub(super) struct Theirs {
    pub(super) lists: TheirLists,
    pub(super) payouts: Option<Vec<Payout>>,
    /// Payouts whose amount can't be read.
    pub(super) payouts_unreadable: u64,
    /// FirstPromoter's own balances, by the promoter's name.
    pub(super) balances: BTreeMap<String, i128>,
    pub(super) summary: TheirsSummary,
    pub(super) account: Option<Account>,
}

/// What of their side is compared with ours.
#[derive(Default)]
pub(super) struct TheirLists {
    pub(super) commissions: Vec<Commission>,
    /// The events that lines name which are no commissions that can be read.
    pub(super) unread_ids: Vec<String>,
    /// Promoters and their own promoters.
    pub(super) parents: Vec<(Promoter, Option<Promoter>)>,
    pub(super) leads: Option<Vec<ReferredCustomer>>,
}

impl AuditCall<'_> {
    pub(super) fn theirs(
        &self,
        account: Option<&Account>,
        ours: &Ours,
        problems: &mut Problems,
    ) -> Result<Theirs, CliError> {
        match &self.arguments.commissions {
            Some(path) => self.theirs_of_file(path, problems),
            None => self.theirs_of_listing(account, ours, problems),
        }
    }

    /// Reads their side from a CSV.
    fn theirs_of_file(&self, path: &Path, problems: &mut Problems) -> Result<Theirs, CliError> {
        let choice = Choice::load(self.common, self.settings)?;
        let profiles = choice.profiles.for_commissions();
        let name = path.display().to_string();
        let mut export = self.only_export(path, &profiles)?;
        let named = choice.named()?.filter(|named| named.is_for_commissions());
        let found = profile_of_list(path, &mut export, named, &profiles)?;
        if let Some(problem) = unanswered(found.profile, &found.binding) {
            return Err(CliError::unusable(problem.at(&name, None)));
        }
        let currency = self.settings.api.account_currency;
        let clock = (&self.rules.zone, Timestamp::now());
        let read = read_csv(export, found.profile, found.binding, currency, clock)
            .map_err(|problem| CliError::unusable(*problem))?;
        for problem in read.problems.kept() {
            problems.push(problem.clone());
        }
        Ok(Theirs {
            summary: TheirsSummary {
                source: "file",
                file: name,
                sha256: Some(read.sha256),
                rejected: read.rows.rejected,
                has_status: read.has_status,
                columns_not_read: read.not_read,
                columns_that_decide: read.deciding,
                ..TheirsSummary::default()
            },
            lists: TheirLists {
                commissions: read.commissions,
                unread_ids: read.unread_ids,
                ..TheirLists::default()
            },
            payouts: None,
            payouts_unreadable: 0,
            balances: BTreeMap::new(),
            account: None,
        })
    }

    /// Opens the one CSV that the list of commissions is.
    fn only_export(&self, path: &Path, profiles: &Profiles) -> Result<Export, CliError> {
        let mut opened = open_exports::open(
            &[path.to_owned()],
            (self.common, self.settings),
            profiles.lines_above(),
            profiles.sheets(),
        )?;
        let (Some(export), None) = (opened.next(), opened.next()) else {
            let problem = Problem::error(ProblemCode::CommissionsNotOne, "this is not one CSV")
                .at(path.display().to_string(), None);
            return Err(CliError::unusable(
                problem.hint("name the list of commissions alone"),
            ));
        };
        export.map_err(|error| CliError::unusable(export_problem(&error)))
    }

    /// Reads their side from the account's listings: fetched now, or kept.
    fn theirs_of_listing(
        &self,
        account: Option<&Account>,
        ours: &Ours,
        problems: &mut Problems,
    ) -> Result<Theirs, CliError> {
        let directory = self.audits().join(LISTINGS);
        if self.arguments.live {
            self.fetch(&directory, account)?;
        }
        let Some(kept) = latest::<ListedCommission>(&directory)? else {
            return Err(nothing_kept(&directory));
        };
        // Those of an earlier fetching say whose customer was whose then, not now.
        let leads = latest::<tracking::Lead>(&directory)?
            .filter(|leads| !self.arguments.no_leads && leads.is_beside(&kept));
        let age_seconds = Timestamp::now().duration_since(kept.fetched_at).as_secs();
        problems.extend(self.problem_of_age(age_seconds));
        let currency = self.settings.api.account_currency;
        // Those of an earlier fetching would not fit the commissions.
        let payouts = latest::<ListedPayout>(&directory)?.filter(|own| own.is_beside(&kept));
        let promoters = latest::<ListedPromoter>(&directory)?.filter(|own| own.is_beside(&kept));
        let payouts = payouts.map(|payouts| payouts_of(payouts, currency));
        let (payouts, payouts_unreadable) = payouts.map_or((None, 0), |(payouts, unreadable)| {
            (Some(payouts), unreadable)
        });
        let columns = deciding_of(&kept);
        let summary = TheirsSummary {
            leads: leads.as_ref().map(|leads| leads.lines.len() as u64),
            source: if self.arguments.live { "live" } else { "kept" },
            file: kept.path.display().to_string(),
            account: Some(kept.account.to_string()),
            fetched_at: Some(kept.fetched_at.to_string()),
            age_seconds: Some(age_seconds),
            payouts: payouts.as_ref().map(|payouts| payouts.len() as u64),
            has_status: true,
            columns_not_read: columns.iter().map(|column| column.name.clone()).collect(),
            columns_that_decide: columns,
            ..TheirsSummary::default()
        };
        let account = kept.account.clone();
        let balances = balances_of(&kept, promoters.as_ref());
        let parents = parents_of(&kept, promoters.as_ref());
        let leads = leads.map(|leads| leads_of(leads, &kept, promoters.as_ref()));
        let days = ListedDays {
            zone: &self.rules.zone,
            timed_at_midnight: &ours.timed_at_midnight,
        };
        let listed = commissions_of(kept, currency, &days);
        let rejected = listed.problems.len() as u64;
        problems.extend(listed.problems);
        Ok(Theirs {
            lists: TheirLists {
                commissions: listed.commissions,
                unread_ids: listed.unread_ids,
                parents,
                leads,
            },
            payouts,
            payouts_unreadable,
            balances,
            summary: TheirsSummary {
                rejected,
                ..summary
            },
            account: Some(account),
        })
    }

    /// Returns a remark on a list that was fetched long ago.
    fn problem_of_age(&self, age_seconds: i64) -> Option<Problem> {
        (age_seconds > OLD_SECONDS && !self.arguments.live).then(|| {
            let age = words::age(age_seconds);
            let message = format!("the commissions were fetched {age} ago");
            Problem::warning(ProblemCode::ListingOld, message)
                .hint("`fprecon audit --live` fetches them anew")
        })
    }

    /// Reads the listings to their ends, and keeps them.
    fn fetch(&self, directory: &Path, account: Option<&Account>) -> Result<(), CliError> {
        if self.common.sandbox {
            let message = "the built-in sandbox starts empty at each call: it has no commissions";
            return Err(CliError::usage(
                Problem::error(ProblemCode::SandboxHasNone, message).hint(
                    "start one with `fprecon sandbox`, and name it by `--base-url` for `run` and `audit`",
                ),
            ));
        }
        let target = Destination::choose(self.common, self.settings, self.terminal)?;
        check_accounts(account, Some(target.account()))?;
        self.fetch_one::<ListedCommission>(directory, &target)?;
        if !self.arguments.no_leads {
            self.fetch_one::<tracking::Lead>(directory, &target)?;
        }
        self.fetch_for_accounts::<ListedPayout>(directory, &target)?;
        match self.settings.api.version {
            // Its commissions have the promoters' balances.
            Version::V1 => Ok(()),
            Version::V2 => self.fetch_for_accounts::<ListedPromoter>(directory, &target),
        }
    }

    /// Fetches what is for the promoters' accounts alone: without it the audit goes on.
    fn fetch_for_accounts<T>(&self, directory: &Path, target: &Destination) -> Result<(), CliError>
    where
        T: AuditedListing,
    {
        match self.fetch_one::<T>(directory, target) {
            Err(CliError::Ended(Exit::Incomplete, problem)) => {
                let (name, message) = (T::NAME, problem.message);
                self.terminal
                    .note(&format!("{name} are not read: {message}"));
                Ok(())
            }
            other => other,
        }
    }

    fn fetch_one<T>(&self, directory: &Path, target: &Destination) -> Result<(), CliError>
    where
        T: AuditedListing,
    {
        let mut reading = PartialListing::<T>::open(directory, target.account(), Timestamp::now())
            .map_err(not_kept)?;
        if reading.resumed_pages() > 0 {
            self.terminal.note(&format!(
                "going on with {}: {} of them are here",
                T::NAME,
                count(send::PageSink::<T>::lines(&reading), "line")
            ));
        }
        let per_minute = self.settings.send.requests_per_minute;
        let read = fetch_list(target.client(), per_minute, &mut reading, self.terminal)?;
        match read {
            Ok(read) => {
                self.terminal.note(&format!(
                    "fetched {} in {}",
                    count(
                        send::PageSink::<T>::lines(&reading),
                        T::NAME.trim_end_matches('s')
                    ),
                    count(read.requests, "request")
                ));
                if let Some(doubt) = order_doubt::<T>(read.order, &reading) {
                    self.terminal.note(&format!(
                        "{doubt}; it was read twice, and both readings agree"
                    ));
                }
                reading.finish().map_err(not_kept)?;
                Ok(())
            }
            Err((unlisted, exit)) => Err(not_whole::<T>(&unlisted, exit)),
        }
    }
}

/// Returns the profile that a list of commissions is read by: the one that the user named, or that fits its header.
fn profile_of_list<'p>(
    path: &Path,
    export: &mut Export,
    named: Option<&'p Profile>,
    profiles: &'p Profiles,
) -> Result<Recognised<'p>, CliError> {
    let name = path.display().to_string();
    let header = export.header().to_vec();
    let Some(profile) = named else {
        return recognise(profiles, export, &header, Cells::default()).map_err(|error| {
            let problem = unrecognised(&name, &header, error);
            CliError::unusable(problem.hint(format!(
                "`fprecon init {}` proposes a profile for it; docs/audit.md shows one",
                shell_word(&name)
            )))
        });
    };
    let binding = profile.bind(&header).map_err(|misfit| {
        let message = format!("the header {}", misfit.reason());
        let problem = Problem::error(ProblemCode::ProfileMisfit, message);
        CliError::unusable(problem.at(&name, Some(1)))
    })?;
    Ok(Recognised {
        profile,
        binding,
        why: RecognitionReason::Named,
    })
}

/// Checks that the sales and the commissions are those of one account.
pub(super) fn check_accounts(
    ours: Option<&Account>,
    theirs: Option<&Account>,
) -> Result<(), CliError> {
    let is_same = |(ours, theirs): (&Account, &Account)| {
        // Version 1 and 2 of one account name it differently: they can't be compared.
        ours.api != theirs.api || ours == theirs
    };
    match ours.zip(theirs) {
        Some((ours, theirs)) if !is_same((ours, theirs)) => Err(CliError::unusable(
            Problem::error(
                ProblemCode::AccountClash,
                format!("the journal is of {ours}, and the commissions are of {theirs}"),
            )
            .hint(
                "choose the journal of that account by `--journal`, or fetch its own commissions",
            ),
        )),
        _ => Ok(()),
    }
}

fn nothing_kept(directory: &Path) -> CliError {
    CliError::unusable(
        Problem::error(ProblemCode::CommissionsMissing, "there are no commissions to compare with yet")
            .at(directory.display().to_string(), None)
            .hint("`fprecon audit --live` fetches them from the account; `--commissions FILE` takes a CSV that was exported there"),
    )
}

/// Returns the error that a list could not be kept: it is not a fault of the input, and the same command continues
/// once there is room.
fn not_kept(error: StoreError) -> CliError {
    match error {
        StoreError::Io { .. } => {
            let problem =
                Problem::error(ProblemCode::ListingNotKept, causes(&error)).hint(error.hint());
            CliError::Ended(Exit::Incomplete, Box::new(problem))
        }
        error => error.into(),
    }
}

/// Says what was not as it was asked for in a listing without a total.
fn order_doubt<T: Listed>(order: OrderCheck, reading: &impl PageSink<T>) -> Option<String> {
    if reading.total().is_some() || !T::HAS_PAGES {
        return None;
    }
    order_words(T::NAME, order)
}

/// A listing that an audit reads.
trait AuditedListing: Listed + Clone + PartialEq + Serialize + DeserializeOwned {
    /// How an audit is made without the listing, where it can't be relied on.
    const WITHOUT: &'static str = "export the commissions in FirstPromoter and pass the file: `fprecon audit --commissions FILE`";
}

impl AuditedListing for ListedCommission {}

impl AuditedListing for ListedPayout {}

impl AuditedListing for ListedPromoter {}

impl AuditedListing for tracking::Lead {
    const WITHOUT: &'static str = "leave the leads out: `fprecon audit --live --no-leads`";
}

/// Reports why a listing is not whole. The pages that were read are kept.
fn not_whole<T: AuditedListing>(unlisted: &IncompleteListing, interrupted: Exit) -> CliError {
    let (exit, problem) = incomplete_listing(T::NAME, unlisted, interrupted);
    let again = format!(
        "the pages that were read are kept for a day; the same command goes on behind them, and then fetches the rest of the {}",
        T::NAME
    );
    let hint = match unlisted {
        IncompleteListing::Page {
            answer: Answer::KeyRefused { .. },
            ..
        } => "fix the key, then run the same command".to_owned(),
        IncompleteListing::Changing => {
            "try again when nothing is being imported or paid".to_owned()
        }
        IncompleteListing::Unordered(_) => format!(
            "run it again when nothing is being imported or paid; or {}",
            T::WITHOUT
        ),
        IncompleteListing::Repeating { .. } => {
            format!("please report this; until then, {}", T::WITHOUT)
        }
        IncompleteListing::Sink(_) => {
            format!("check the permissions, and make room on the disk; {again}")
        }
        IncompleteListing::Interrupted
        | IncompleteListing::Page { .. }
        | IncompleteListing::Short { .. } => again,
    };
    CliError::Ended(exit, Box::new(problem.hint(hint)))
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        CliError::unusable(Problem::error(ProblemCode::Listing, causes(&error)).hint(error.hint()))
    }
}

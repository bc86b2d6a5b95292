//! Reads and plans the exports that the user named, by the profiles that were chosen.

use std::cell::{Cell, OnceCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::arguments::Common;
use super::error::{CliError, profile_problem};
use super::open_exports::{OpenExports, open};
use super::read_before::{LeftOutExports, left_out};
use super::settings::{EffectiveSettings, ForeignSetting, SaleCall, line_of};
use super::tables::grouped;
use super::terminal::Terminal;
use crate::bounded::{self, Bounded, SETTINGS_BYTES, TABLE_BYTES};
use crate::convert::{ExchangeRates, Foreign, RatesError};
use crate::event::Currency;
use crate::export::{Export, ExportError};
use crate::job::{
    self, AccountSales, DateRange, InAccount, Job, PathPattern, PlanContext, PlanError, ReadBefore,
    Setup, SourceRows, SourceRowsError, export_problem,
};
use crate::journal::{HistoryRequest, JournalHistory, JournalReader, PlanState};
use crate::link::{LinkRules, Resolutions};
use crate::problem::{Problem, ProblemCode};
use crate::profile::{OwnFile, Profile, Profiles};
use jiff::Timestamp;

/// The profiles of the configuration, and the one that `--profile` names, if any.
pub(super) struct Choice {
    pub(super) profiles: Profiles,
    named: Option<String>,
    /// The names of profiles for exports with some paths.
    named_for: NamedFor,
}

/// The names of profiles, each with the exports that it is for.
type NamedFor = Vec<(PathPattern, String)>;

/// Splits the values of `--profile` into the profile of all exports and those for some paths.
fn named_profiles(given: &[String]) -> Result<(Option<String>, NamedFor), CliError> {
    let usage = |message: String| {
        let problem = Problem::error(ProblemCode::Usage, message);
        CliError::usage(problem.hint("set one profile for all exports, or `NAME=GLOB` for some"))
    };
    let (mut named, mut named_for) = (None, Vec::new());
    for one in given {
        match one.split_once('=') {
            Some((name, pattern)) => {
                let pattern = PathPattern::parse(pattern).map_err(|error| {
                    usage(format!(
                        "`{pattern}` in `--profile` is not a valid pattern: {error}"
                    ))
                })?;
                named_for.push((pattern, name.to_owned()));
            }
            None if named.is_none() => named = Some(one.clone()),
            None => {
                let message = "`--profile` names two profiles for the same exports";
                return Err(usage(message.to_owned()));
            }
        }
    }
    Ok((named, named_for))
}

impl Choice {
    /// Loads the built-in profiles, the configuration's, and a file named by `--profile`.
    pub(super) fn load(common: &Common, settings: &EffectiveSettings) -> Result<Self, CliError> {
        let mut own = settings.exports.clone();
        let mut places = settings.export_places.clone();
        let (mut named, named_for) = named_profiles(&common.profile)?;
        let mut file_of_its_own = false;
        if let Some(path) = named.clone().as_deref().map(Path::new)
            && (path.is_file()
                || path
                    .extension()
                    .is_some_and(|extension| extension == "toml"))
        {
            let (name, table) = profile_file(path)?;
            own.insert(name.clone(), table);
            places.insert(name.clone(), (path.to_owned(), 1));
            named = Some(name);
            file_of_its_own = true;
        }
        let mut profiles = Profiles::load(&own).map_err(|error| {
            let mut problem = profile_problem(&error);
            if let Some((path, line)) = places.get(&error.profile) {
                let name = &error.profile;
                let table: &[&str] = if file_of_its_own && named.as_ref() == Some(name) {
                    &[]
                } else {
                    &["exports", name]
                };
                let text = bounded::read_text(path, SETTINGS_BYTES).unwrap_or_default();
                let line = error.line_in(&text, table).unwrap_or(*line);
                problem = problem.at(path.display().to_string(), Some(line));
            }
            CliError::unusable(problem)
        })?;
        let own_file = file_of_its_own.then_some(named.as_deref()).flatten();
        place(&mut profiles, common, &places, own_file);
        Ok(Choice {
            profiles,
            named,
            named_for,
        })
    }

    /// Returns a choice in which each export's profile is found by its header.
    pub(super) fn by_header(profiles: Profiles) -> Self {
        Choice {
            profiles,
            named: None,
            named_for: Vec::new(),
        }
    }

    /// Returns this choice with a profile for all exports for which the user named none.
    pub(super) fn or_named(self, name: &str) -> Self {
        Choice {
            named: self.named.or_else(|| Some(name.to_owned())),
            ..self
        }
    }

    /// Returns the profiles that the user named for exports with some paths.
    fn named_for(&self) -> Result<Vec<(PathPattern, &Profile)>, CliError> {
        let mut all = Vec::new();
        for (pattern, name) in &self.named_for {
            all.push((pattern.clone(), self.profiles.named(name)?));
        }
        Ok(all)
    }

    /// Returns the profile that the user named, if any.
    pub(super) fn named(&self) -> Result<Option<&Profile>, CliError> {
        let named = self.named.as_deref().map(|name| self.profiles.named(name));
        Ok(named.transpose()?)
    }
}

/// Sets the user's file of each profile, or the file in which a change of it would be. `whole` is
/// the profile that has a file of its own.
fn place(
    profiles: &mut Profiles,
    common: &Common,
    places: &BTreeMap<String, (PathBuf, u64)>,
    whole: Option<&str>,
) {
    let config = common.config.as_ref();
    profiles.place(|name| {
        let path = places
            .get(name)
            .map(|(path, _)| path)
            .or(config)?
            .display()
            .to_string();
        Some(if whole == Some(name) {
            OwnFile::Whole(path)
        } else {
            OwnFile::Config(path)
        })
    });
}

fn profile_file(path: &Path) -> Result<(String, toml::Table), CliError> {
    let name = path.display().to_string();
    let unusable = |message: String, line, hint: &str| {
        let problem = Problem::error(ProblemCode::ProfileInvalid, message);
        CliError::unusable(problem.at(&name, line).hint(hint))
    };
    let text = bounded::read_text(path, SETTINGS_BYTES).map_err(|error| {
        unusable(
            format!("the profile can't be read: {error}"),
            None,
            "check the path; without `--profile`, profiles are found by the header",
        )
    })?;
    let table: toml::Table = toml::from_str(&text).map_err(|error: toml::de::Error| {
        unusable(
            error.message().trim().to_owned(),
            error.span().map(|span| line_of(&text, span.start)),
            "docs/profiles.md explains every key, and `fprecon profiles show generic` prints an example",
        )
    })?;
    let stem = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    Ok((stem.unwrap_or_else(|| "profile".to_owned()), table))
}

/// Finds what the arguments name as [`open`] does, for the profiles that were chosen.
pub(super) fn open_for(
    choice: &Choice,
    names: &[PathBuf],
    of: (&Common, &EffectiveSettings),
) -> Result<OpenExports, CliError> {
    let profiles = &choice.profiles;
    let mut opened = open(names, of, profiles.lines_above(), profiles.sheets())?;
    opened.options.is_export = profiles.header_test();
    Ok(opened)
}

/// Creates a temporary file for the rows that are not events; it is removed when the program ends.
pub(super) fn source_rows() -> Result<SourceRows, CliError> {
    let file = tempfile::tempfile().map_err(SourceRowsError::from)?;
    Ok(SourceRows::in_file(file))
}

/// Plans exports with the options of the user.
pub(super) struct ExportPlanner<'p> {
    choice: &'p Choice,
    settings: &'p EffectiveSettings,
    terminal: &'p Terminal,
    /// The treatment of refunds whose sale is not named or not found.
    rules: LinkRules,
    /// `true` if the events are for sending, so that the dates must be valid for the API.
    is_for_sending: bool,
    /// The line of each export whose row is explained.
    traced_line: Option<u64>,
    /// The range of dates outside of which nothing is sent.
    range: DateRange,
    in_account: InAccount,
    /// The sales of the account, once they are fetched.
    account: OnceCell<AccountSales>,
}

impl<'p> ExportPlanner<'p> {
    /// Creates a planner of events that are for sending. `link` is the file that names sales of
    /// refunds; by default it is that of the configuration, if there is one.
    pub(super) fn new(
        choice: &'p Choice,
        settings: &'p EffectiveSettings,
        terminal: &'p Terminal,
        link: Option<&Path>,
    ) -> Result<Self, CliError> {
        Ok(ExportPlanner {
            choice,
            settings,
            terminal,
            rules: rules(link, settings)?,
            is_for_sending: true,
            traced_line: None,
            range: DateRange::default(),
            in_account: InAccount::default(),
            account: OnceCell::new(),
        })
    }

    /// Returns the planner for events that are not for sending.
    pub(super) fn for_looking(self) -> Self {
        ExportPlanner {
            is_for_sending: false,
            ..self
        }
    }

    /// Returns the planner that sends nothing outside of a range of dates.
    pub(super) fn within(self, range: DateRange) -> Self {
        ExportPlanner { range, ..self }
    }

    /// Returns the planner that treats sales which the account has under another id in this way.
    pub(super) fn with_in_account(self, in_account: InAccount) -> Self {
        ExportPlanner { in_account, ..self }
    }

    /// Returns the place for the sales of the account, with which those of the exports are compared. It is to be
    /// filled before the history is there.
    pub(super) fn account(&self) -> &OnceCell<AccountSales> {
        &self.account
    }

    /// Returns the planner that explains the row on a line.
    pub(super) fn tracing(self, line: u64) -> Self {
        ExportPlanner {
            traced_line: Some(line),
            ..self
        }
    }

    /// Reads the exports and plans their events, and shows progress on a terminal.
    pub(super) fn plan(
        &self,
        exports: impl IntoIterator<Item = Result<Export, ExportError>>,
        context: PlanContext<'_>,
        history: impl FnOnce(&dyn Fn() -> HistoryRequest) -> Result<JournalHistory, CliError>,
    ) -> Result<(Job, JournalHistory), CliError> {
        let read_before = |header: &[String]| self.profiles_of_header(header);
        let setup = self.setup(&read_before)?;
        self.plan_with(&setup, exports, context, history)
    }

    /// Reads files and plans their events. What folders have is left out if an earlier run has read it and reading
    /// it again would give nothing new.
    ///
    /// `history` returns what the journal knows, and the number of its commits. It may be called twice: if an event
    /// is held, all exports are read, since one of them may say more. `is_planned_again` says whether there is more to
    /// plan by now.
    pub(super) fn plan_files(
        &self,
        mut opened: OpenExports,
        source_rows: fn() -> Result<SourceRows, CliError>,
        now: Timestamp,
        mut history: impl FnMut(&dyn Fn() -> HistoryRequest) -> Result<(JournalHistory, i64), CliError>,
        mut is_planned_again: impl FnMut(&Job) -> bool,
    ) -> Result<(Job, JournalHistory), CliError> {
        let read_before = |header: &[String]| self.profiles_of_header(header);
        let setup = self.setup(&read_before)?;
        opened.settle(|mut export| job::profile_of(&setup, &mut export).is_some())?;
        let mut left_out = self.left_out(&opened, &setup)?;
        loop {
            let mut commits = 0;
            let context = PlanContext {
                source_rows: source_rows()?,
                ..PlanContext::new(now)
            };
            let exports = opened.without(&left_out.paths);
            let (mut job, known) = self.plan_with(&setup, exports, context, |wanted| {
                let (known, of_journal) = history(wanted)?;
                commits = of_journal;
                Ok(known)
            })?;
            if !left_out.exports.is_empty() && (commits != left_out.commits || has_held(&job)) {
                left_out = LeftOutExports::default();
                continue;
            }
            if is_planned_again(&job) {
                continue;
            }
            if opened.has_folders() {
                job.rules = setup.digest(opened.options());
            }
            job.reading.skipped = left_out.exports;
            job.problems.extend(opened.remarks());
            return Ok((job, known));
        }
    }

    /// Reads files, all of them, and plans their events as if no earlier run had read any.
    pub(super) fn plan_alone(
        &self,
        mut opened: OpenExports,
        now: Timestamp,
    ) -> Result<Job, CliError> {
        let read_before = |header: &[String]| self.profiles_of_header(header);
        let setup = self.setup(&read_before)?;
        opened.settle(|mut export| job::profile_of(&setup, &mut export).is_some())?;
        let remarks = opened.remarks();
        let without_journal = |_: &dyn Fn() -> _| Ok(JournalHistory::default());
        let context = PlanContext {
            source_rows: source_rows()?,
            ..PlanContext::new(now)
        };
        let (mut job, _) = self.plan_with(&setup, opened, context, without_journal)?;
        job.problems.extend(remarks);
        Ok(job)
    }

    /// Returns the exports that need not be read again. If the journal has no answer now, all are read, and the
    /// later reading of it reports the reason.
    fn left_out(
        &self,
        opened: &OpenExports,
        setup: &Setup<'_>,
    ) -> Result<LeftOutExports, CliError> {
        // Only what is in a folder is ever left out.
        if !opened.has_folders() {
            return Ok(LeftOutExports::default());
        }
        match JournalReader::open(&self.settings.journal) {
            Ok(Some(journal)) => left_out(opened, setup, &journal),
            Ok(None) | Err(_) => Ok(LeftOutExports::default()),
        }
    }

    /// Returns the profiles by which earlier runs have read exports with a header. If the journal has no answer
    /// now, the later reading of it reports the reason.
    fn profiles_of_header(&self, header: &[String]) -> Vec<String> {
        let journal = JournalReader::open(&self.settings.journal).ok().flatten();
        let profiles = journal.map(|journal| journal.profiles_of_header(header));
        profiles.and_then(Result::ok).unwrap_or_default()
    }

    fn setup<'s>(
        &'s self,
        read_before: &'s dyn Fn(&[String]) -> Vec<String>,
    ) -> Result<Setup<'s>, CliError> {
        let settings = self.settings;
        Ok(Setup {
            profile: self.choice.named()?,
            profile_of: self.choice.named_for()?,
            read_before: ReadBefore::new(read_before),
            foreign: foreign(settings)?,
            decimals: settings.currencies.decimals.clone(),
            rules: self.rules.clone(),
            range: self.range.clone(),
            in_account: self.in_account,
            account: Some(&self.account),
            can_send_dates: !self.is_for_sending || settings.api.version.can_take_dates(),
            should_create_commissions: self.is_for_sending
                && settings.api.sale_call == SaleCall::Commissions,
            traced_line: self.traced_line,
            ..Setup::new(&self.choice.profiles, settings.api.account_currency)
        })
    }

    fn plan_with(
        &self,
        setup: &Setup<'_>,
        exports: impl IntoIterator<Item = Result<Export, ExportError>>,
        context: PlanContext<'_>,
        history: impl FnOnce(&dyn Fn() -> HistoryRequest) -> Result<JournalHistory, CliError>,
    ) -> Result<(Job, JournalHistory), CliError> {
        let bar = self.terminal.bar(None, "{spinner} reading: {msg} rows");
        bar.set_message("0");
        let last = Cell::new(0);
        let progress = |rows: u64| {
            if rows >= last.get() + 20_000 {
                last.set(rows);
                bar.set_message(grouped(rows.into()));
            }
        };
        let history = |wanted: &dyn Fn() -> HistoryRequest| {
            bar.finish_and_clear();
            history(wanted)
        };
        let context = PlanContext {
            progress: &progress,
            ..context
        };
        let planned = job::plan(exports, setup, context, history);
        bar.finish_and_clear();
        planned.map_err(|error| match error {
            PlanError::Unusable(problems) => CliError::Unusable(problems),
            PlanError::History(error) => error,
            PlanError::Imbalance(error) => error.into(),
        })
    }
}

/// Returns `true` if a job holds an event.
fn has_held(job: &Job) -> bool {
    let mut held = PlanState::ALL.iter().filter(|state| state.is_held());
    held.any(|state| job.reading.events.for_state(*state).count() > 0)
}

/// Returns the treatment of refunds whose sale is not named or not found.
fn rules(link: Option<&Path>, settings: &EffectiveSettings) -> Result<LinkRules, CliError> {
    let path = link.or(settings.link.resolutions.as_deref());
    Ok(LinkRules {
        match_by_customer: settings.link.match_by_customer,
        send_unlinked: settings.link.send_unlinked,
        resolutions: path.map(resolutions).transpose()?.unwrap_or_default(),
        named_uids: settings.link.named_uids.clone(),
    })
}

fn resolutions(path: &Path) -> Result<Resolutions, CliError> {
    let name = path.display().to_string();
    let read = match Bounded::open(path, TABLE_BYTES) {
        Ok(file) => Resolutions::read(&name, file),
        Err(error) => Err(vec![Resolutions::unreadable(&name, &error.into())]),
    };
    read.map_err(CliError::Unusable)
}

/// Returns the treatment of other currencies, with the rates where they are needed.
fn foreign(settings: &EffectiveSettings) -> Result<Foreign, CliError> {
    let path = match &settings.currencies.foreign {
        ForeignSetting::Send => return Ok(Foreign::Send),
        ForeignSetting::Hold => return Ok(Foreign::Hold),
        ForeignSetting::Convert(path) => path,
    };
    rates(path, settings.api.account_currency).map(Foreign::Convert)
}

/// Reads the rates of a file.
pub(super) fn rates(path: &Path, account: Currency) -> Result<ExchangeRates, CliError> {
    let rates = Export::open_bounded(path, TABLE_BYTES)
        .map_err(RatesError::from)
        .and_then(|export| ExchangeRates::read(export, account));
    rates.map_err(|error| {
        CliError::Unusable(match error {
            RatesError::Export(error) => vec![export_problem(&error)],
            RatesError::Rows(problems) => problems,
        })
    })
}

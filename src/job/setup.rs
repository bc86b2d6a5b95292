//! Configures how a job's exports are read and planned.

use std::cell::OnceCell;
use std::fmt;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::refused::{
    commissions_are_no_export, named_misfit, not_an_export, unanswered, unrecognised,
};
use crate::convert::Foreign;
use crate::event::{Currency, Decimals};
use crate::export::Export;
use crate::journal::RulesDigest;
use crate::link::LinkRules;
use crate::plan::{AccountSales, DateRange, InAccount};
use crate::problem::Problem;
use crate::profile::{Profile, Profiles};
use crate::recognise::{Cells, Recognised, RecognitionReason, Unrecognised, recognise};

/// Configures how a job's exports are read and planned.
#[derive(Clone, Debug)]
pub struct Setup<'s> {
    /// The profiles to choose from.
    pub profiles: &'s Profiles,
    /// The profile that the user named; if there is none, each export's is found by its header.
    pub profile: Option<&'s Profile>,
    /// The profiles that the user named for exports of some paths, which go before `profile`.
    pub profile_of: Vec<(PathPattern, &'s Profile)>,
    /// The look-up of profiles by which earlier runs have read exports with a header.
    pub read_before: ReadBefore<'s>,
    /// The currency of amounts for which nothing names one.
    pub account_currency: Currency,
    /// The treatment of amounts in other currencies than the account's.
    pub foreign: Foreign,
    /// The number of decimals that the API takes of some currencies.
    pub decimals: Decimals,
    /// The treatment of refunds whose sale is not named or not found.
    pub rules: LinkRules,
    /// The range of dates outside of which no event is sent.
    pub range: DateRange,
    /// The treatment of sales that the account has under another id.
    pub in_account: InAccount,
    /// The sales of the account, if they are to be compared; they are there once the history is.
    pub account: Option<&'s OnceCell<AccountSales>>,
    /// `true` if the API takes the dates of sales, refunds and cancellations.
    pub can_send_dates: bool,
    /// `true` if sales are sent as commissions of known referrals, with their day.
    pub should_create_commissions: bool,
    /// The line of each export whose row is to be explained in the job's traces.
    pub traced_line: Option<u64>,
}

impl<'s> Setup<'s> {
    /// Returns the sales of the account, if they were fetched.
    pub(super) fn account_sales(&self) -> Option<&AccountSales> {
        self.account.and_then(OnceCell::get)
    }

    /// Returns the setup in which each export is read by the profile that its header fits, with defaults for
    /// everything else.
    pub fn new(profiles: &'s Profiles, account_currency: Currency) -> Self {
        Setup {
            profiles,
            profile: None,
            profile_of: Vec::new(),
            read_before: ReadBefore::default(),
            account_currency,
            foreign: Foreign::default(),
            decimals: Decimals::default(),
            rules: LinkRules::default(),
            range: DateRange::default(),
            in_account: InAccount::default(),
            account: None,
            can_send_dates: true,
            should_create_commissions: false,
            traced_line: None,
        }
    }

    /// Returns a hash of all that decides how an export is read and planned, beside its bytes, its path and what
    /// earlier runs know; `None` if the path decides, too. `opening` is how exports are opened.
    pub(crate) fn digest(&self, opening: &dyn fmt::Debug) -> Option<RulesDigest> {
        // A new part of the setup has to be named here, so that exports are read again where it differs.
        let Setup {
            profiles,
            profile,
            profile_of,
            read_before: _,
            account_currency,
            foreign,
            decimals,
            rules,
            range,
            // They say nothing of sales that an earlier run has sent.
            in_account: _,
            account: _,
            can_send_dates,
            should_create_commissions: creates_commissions,
            traced_line: _,
        } = self;
        if !profile_of.is_empty() {
            return None;
        }
        let mut hash = Sha256::new();
        hash.update(env!("CARGO_PKG_VERSION"));
        let parts: [&dyn fmt::Debug; 10] = [
            profiles,
            profile,
            account_currency,
            foreign,
            decimals,
            rules,
            range,
            can_send_dates,
            creates_commissions,
            opening,
        ];
        for part in parts {
            hash.update([0]);
            hash.update(format!("{part:?}"));
        }
        hash.finalize().first_chunk().copied().map(RulesDigest)
    }

    pub(super) fn bind(
        &self,
        export: &mut Export,
        header: &[String],
        of_rejected: Option<RejectedForm<'_>>,
    ) -> Result<Recognised<'s>, Box<Problem>> {
        let path = export.path().display().to_string();
        let named = self
            .profile_of
            .iter()
            .find(|(of, _)| of.fits(export.path()))
            .map(|(_, profile)| *profile);
        let found = match named.or(self.profile) {
            Some(profile) => {
                let own_file = self.profiles.own_file(header);
                if let Some(known) = own_file.filter(|_| !profile.is_own) {
                    return Err(Box::new(not_an_export(&path, known)));
                }
                let bound = profile.bind(header);
                let binding = bound.map_err(|misfit| named_misfit(&path, &misfit))?;
                Recognised {
                    profile,
                    binding,
                    why: RecognitionReason::Named,
                }
            }
            None => match of_rejected.and_then(|rows| self.recognised_as_rejected(rows, header)) {
                Some(found) => found,
                None => {
                    let cells = of_rejected.map_or_else(Cells::default, |rows| rows.cells);
                    match recognise(self.profiles, export, header, cells) {
                        Ok(found) => found,
                        Err(error) => match self.recognised_before(&error, header) {
                            Some(found) => found,
                            None => return Err(unrecognised(&path, header, error)),
                        },
                    }
                }
            },
        };
        if found.profile.is_for_commissions() {
            return Err(Box::new(commissions_are_no_export().at(path, None)));
        }
        match unanswered(found.profile, &found.binding) {
            Some(problem) => Err(Box::new(problem.at(path, None))),
            None => Ok(found),
        }
    }

    /// Returns the profile that has rejected the rows of a file of ours: the one by which all earlier exports with
    /// their header were read. What was fixed in them, or how a spreadsheet has saved them, decides nothing.
    fn recognised_as_rejected(
        &self,
        rows: RejectedForm<'_>,
        header: &[String],
    ) -> Option<Recognised<'s>> {
        let before = self.read_before.profiles(rows.header_before);
        let [name] = before.as_slice() else {
            return None;
        };
        let profile = self.profiles.named(name).ok()?;
        Some(Recognised {
            profile,
            binding: profile.bind(header).ok()?,
            why: RecognitionReason::Rejected,
        })
    }

    /// Returns the one of several fitting profiles by which all earlier exports with this header were read.
    fn recognised_before(&self, error: &Unrecognised, header: &[String]) -> Option<Recognised<'s>> {
        let Unrecognised::Undecided(undecided) = error else {
            return None;
        };
        let before = self.read_before.profiles(header);
        let [name] = before.as_slice() else {
            return None;
        };
        let mut others = undecided.names.clone();
        let place = others.iter().position(|other| other == name)?;
        others.remove(place);
        let profile = self.profiles.named(name).ok()?;
        Some(Recognised {
            profile,
            binding: profile.bind(header).ok()?,
            why: RecognitionReason::Before { others },
        })
    }
}

/// Describes a file of rejected or ignored rows.
#[derive(Clone, Copy)]
pub(super) struct RejectedForm<'h> {
    /// The header without the columns that were added to it.
    pub(super) header_before: &'h [String],
    /// How its cells are read.
    pub(super) cells: Cells,
}

/// Selects exports by a path with wildcards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern(glob::Pattern);

impl PathPattern {
    /// Reads a pattern, as in a shell.
    ///
    /// # Errors
    ///
    /// The text is not a pattern; the error says why.
    pub fn parse(text: &str) -> Result<Self, String> {
        let pattern = glob::Pattern::new(text);
        pattern.map(PathPattern).map_err(|error| error.to_string())
    }

    /// Returns `true` if a path fits, or its last part alone.
    fn fits(&self, path: &Path) -> bool {
        let name = path.file_name().map(Path::new);
        self.0.matches_path(path)
            || self.0.as_str() == path.to_string_lossy()
            || name.is_some_and(|name| self.0.matches_path(name))
    }
}

/// Looks up what earlier runs know of headers.
#[derive(Clone, Copy, Default)]
pub struct ReadBefore<'s>(Option<&'s ProfilesOfHeader<'s>>);

/// Returns the profiles by which exports with a header were read.
type ProfilesOfHeader<'s> = dyn Fn(&[String]) -> Vec<String> + 's;

impl<'s> ReadBefore<'s> {
    /// Returns a look-up that asks for the profiles of a header by this function.
    pub fn new(profiles: &'s dyn Fn(&[String]) -> Vec<String>) -> Self {
        ReadBefore(Some(profiles))
    }

    fn profiles(&self, header: &[String]) -> Vec<String> {
        self.0.map(|profiles| profiles(header)).unwrap_or_default()
    }
}

impl fmt::Debug for ReadBefore<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReadBefore")
            .field(&self.0.is_some())
            .finish()
    }
}

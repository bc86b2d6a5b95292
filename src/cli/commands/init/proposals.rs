//! Chooses the profile of each export, and proposes the missing ones.

use std::collections::BTreeMap;
use std::path::Path;

use super::look::Looked;
use crate::cli::error::CliError;
use crate::problem::{Problem, ProblemCode};
use crate::profile::{Profile, Profiles};
use crate::propose::{self, Complement, Proposal, ProposalRefusal};
use crate::recognise::Recognised;

/// The greatest length of a profile's name that is made from a file's name.
const NAME_MOST_CHARS: usize = 40;
/// The built-in profile for custom CSVs, which finds columns by their names.
const BY_NAMES: &str = "generic";

/// The profiles to write for the exports.
pub(super) struct ProfilePlan {
    /// The profile of each export.
    pub(super) profiles: Vec<ChosenProfile>,
    pub(super) proposals: Vec<Proposal>,
}

/// The profile of an export.
#[derive(Clone)]
pub(super) struct ChosenProfile {
    pub(super) name: String,
    /// `true` if it is proposed from the header and the rows alone.
    pub(super) is_proposed: bool,
}

/// Proposes profiles for the exports that have none, one for each header, and answers the questions
/// of the profiles that have some, once for each profile.
pub(super) fn plan(looked: &[Looked<'_>], known: &Profiles) -> Result<ProfilePlan, CliError> {
    let mut planner = ProposalPlanner {
        looked,
        names: ProfileNames::new(known),
        of_header: BTreeMap::new(),
        of_profile: BTreeMap::new(),
        proposals: Vec::new(),
        problems: Vec::new(),
    };
    let profiles = looked.iter().map(|one| planner.choose(one)).collect();
    if planner.problems.is_empty() {
        Ok(ProfilePlan {
            profiles,
            proposals: planner.proposals,
        })
    } else {
        Err(CliError::Unusable(planner.problems))
    }
}

struct ProposalPlanner<'l, 'p> {
    looked: &'l [Looked<'p>],
    names: ProfileNames<'p>,
    of_header: BTreeMap<&'l [String], ChosenProfile>,
    of_profile: BTreeMap<&'l str, String>,
    proposals: Vec<Proposal>,
    problems: Vec<Problem>,
}

impl<'l> ProposalPlanner<'l, '_> {
    fn choose(&mut self, one: &'l Looked<'_>) -> ChosenProfile {
        if let Some(chosen) = self.of_header.get(one.header.as_slice()) {
            return chosen.clone();
        }
        let Some(found) = &one.found else {
            return self.propose(one);
        };
        if is_by_names(found.profile) {
            return self.complement(one, found);
        }
        if found.profile.is_for_commissions() && !found.profile.is_own && one.lines_above == 0 {
            return self.complement_commissions(one, found);
        }
        let name = match found.profile.open_questions(&found.binding).next() {
            None if one.lines_above > 0 => self.below_lines(one, found.profile),
            None => found.profile.name.clone(),
            Some(_) => self.answer(found),
        };
        ChosenProfile {
            name,
            is_proposed: false,
        }
    }

    fn propose(&mut self, one: &'l Looked<'_>) -> ChosenProfile {
        let name = self.names.free(&name_of(&one.path));
        let proposed = if propose::is_of_commissions(&one.header) {
            propose::propose_commissions(&name, &one.sample())
        } else {
            propose::propose(&name, &one.sample())
        };
        match proposed {
            Ok(proposal) => self.proposals.push(proposal),
            Err(refusal) => self.problems.push(refused(one, &refusal)),
        }
        let chosen = ChosenProfile {
            name,
            is_proposed: true,
        };
        self.of_header.insert(&one.header, chosen.clone());
        chosen
    }

    /// Completes the profile of a custom CSV whose date column may have another name.
    fn complement(&mut self, one: &'l Looked<'_>, found: &Recognised<'_>) -> ChosenProfile {
        let name = self.names.free(&name_of(&one.path));
        let sample = one.sample();
        let name = match propose::complement(&name, found.profile, &sample, &found.binding) {
            Complement::Complete if one.lines_above > 0 => self.below_lines(one, found.profile),
            Complement::Complete => found.profile.name.clone(),
            Complement::Extended(proposal) => {
                self.proposals.push(proposal);
                name
            }
            Complement::Unfit => return self.propose(one),
        };
        let chosen = ChosenProfile {
            name,
            is_proposed: false,
        };
        self.of_header.insert(&one.header, chosen.clone());
        chosen
    }

    /// Adds the columns of a list of commissions that are read only under other names.
    fn complement_commissions(
        &mut self,
        one: &'l Looked<'_>,
        found: &Recognised<'_>,
    ) -> ChosenProfile {
        let name = self.names.free(&name_of(&one.path));
        let sample = one.sample();
        let proposal =
            propose::complement_commissions(&name, found.profile, &sample, &found.binding);
        let chosen = ChosenProfile {
            name: match &proposal {
                Some(_) => name,
                None => found.profile.name.clone(),
            },
            is_proposed: false,
        };
        self.proposals.extend(proposal);
        self.of_header.insert(&one.header, chosen.clone());
        chosen
    }

    /// Proposes the profile of an export whose header is below other lines and matches a profile.
    fn below_lines(&mut self, one: &Looked<'_>, profile: &Profile) -> String {
        let name = self.names.free(&name_of(&one.path));
        let proposal = propose::below_lines(&name, profile, one.lines_above);
        self.proposals.push(proposal);
        name
    }

    /// Answers the questions of a profile from all the exports that it fits.
    fn answer(&mut self, found: &'l Recognised<'_>) -> String {
        let base = found.profile.name.as_str();
        if let Some(name) = self.of_profile.get(base) {
            return name.clone();
        }
        let name = self.names.free(&format!("my-{base}"));
        let alike = self.looked.iter().filter_map(|other| {
            let found = other.found.as_ref()?;
            let is_its = found.profile.name == base;
            is_its.then(|| (other.sample(), found.binding.clone()))
        });
        let samples: Vec<_> = alike.collect();
        self.proposals
            .push(propose::answer(&name, found.profile, &samples));
        self.of_profile.insert(base, name.clone());
        name
    }
}

fn is_by_names(profile: &Profile) -> bool {
    profile.name == BY_NAMES && !profile.is_own
}

fn refused(one: &Looked<'_>, refusal: &ProposalRefusal) -> Problem {
    Problem::error(
        ProblemCode::ProfileNotProposed,
        format!("no profile fits, and {refusal}"),
    )
    .at(&one.path, Some(1))
    .cell("header", &one.header.join(","))
    .hint(refusal.hint())
}

/// Creates names for profiles that are not in use yet.
struct ProfileNames<'p> {
    known: &'p Profiles,
    given: Vec<String>,
}

impl<'p> ProfileNames<'p> {
    fn new(known: &'p Profiles) -> Self {
        ProfileNames {
            known,
            given: Vec::new(),
        }
    }

    fn free(&mut self, wanted: &str) -> String {
        let is_free = |name: &String| {
            self.known.iter().all(|profile| profile.name != *name) && !self.given.contains(name)
        };
        let numbered = (2..).map(|number| format!("{wanted}-{number}"));
        let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
        let name = names.find(is_free).unwrap_or_else(|| wanted.to_owned());
        self.given.push(name.clone());
        name
    }
}

/// Returns a profile's name made from a file's name, in letters that TOML doesn't have to quote.
fn name_of(path: &str) -> String {
    let stem = Path::new(path)
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    let plain = |c: char| match c {
        c if c.is_ascii_alphanumeric() => c.to_ascii_lowercase(),
        _ => ' ',
    };
    let name: String = stem
        .unwrap_or_default()
        .chars()
        .map(plain)
        .take(NAME_MOST_CHARS)
        .collect();
    match name.split_whitespace().collect::<Vec<_>>().join("-") {
        name if name.is_empty() => "export".to_owned(),
        name => name,
    }
}

//! Describes the kind of export from which an event was read.

use std::collections::HashMap;

use crate::event::EventRef;
use crate::profile::{Profile, Profiles};

/// The time by which two dates of one event may differ in one kind of export: less than a day, since a
/// setting of the time zone moves a date without a time by some hours.
const SAME_DAY_S: i64 = 23 * 3600;

/// The time by which two dates of one event may differ in exports of two providers.
const FEW_DAYS_S: i64 = 3 * 24 * 3600;

/// Identifies a kind of export: the profile that reads it, or the built-in one that this extends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExportOrigin {
    kind: String,
    /// The provider whose export it is: `stripe` of `stripe-payments`.
    provider: String,
    /// The precedence where two kinds of export say different things: the lower goes first.
    rank: usize,
    /// `true` if its rows have the plans of their events, and not only subscriptions, whose plans change.
    has_own_plans: bool,
}

impl ExportOrigin {
    fn from_profile(profile: &Profile, rank: usize) -> Self {
        // What extends `generic` is a kind of export of its own.
        let named = profile.lineage.iter().rev().find(|name| *name != "generic");
        let kind = named.unwrap_or(&profile.name).clone();
        let is_built_in = Profiles::built_in_text(&kind).is_some();
        let provider = match kind.split_once('-') {
            Some((provider, _)) if is_built_in => provider.to_owned(),
            _ => kind.clone(),
        };
        ExportOrigin {
            kind,
            provider,
            rank,
            has_own_plans: profile.has_own_plans(),
        }
    }

    /// Returns `true` if a row has the plan of its event, and not only a subscription, whose plan changes.
    pub(crate) fn has_own_plans(&self) -> bool {
        self.has_own_plans
    }

    /// Returns the precedence: the lower goes first.
    pub(super) fn rank(&self) -> usize {
        self.rank
    }

    /// Returns `true` if both are one kind of export.
    pub(crate) fn is_kind_of(&self, other: &ExportOrigin) -> bool {
        self.kind == other.kind
    }

    /// Returns `true` if both are exports of one provider.
    pub(crate) fn is_of_provider_of(&self, other: &ExportOrigin) -> bool {
        self.provider == other.provider
    }

    /// Returns `true` if events of these two exports that are so many seconds apart are two events, whatever
    /// else they share.
    pub(crate) fn are_apart(&self, other: &ExportOrigin, seconds: u64) -> bool {
        if self.is_kind_of(other) {
            seconds >= SAME_DAY_S.unsigned_abs()
        } else {
            // Two exports of one provider may mean two dates: that of the invoice and of its payment.
            !self.is_of_provider_of(other) && seconds > FEW_DAYS_S.unsigned_abs()
        }
    }
}

/// Holds which kinds of export the inputs of a job, and those of earlier runs, come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExportOrigins {
    by_profile: HashMap<String, ExportOrigin>,
    /// The path and the origin of each input, by its place among those of the job.
    inputs: Vec<(String, Option<ExportOrigin>)>,
}

impl ExportOrigins {
    /// Returns the origins of all these profiles. Where two kinds of export say different things of
    /// one event, the one whose profile comes first goes first: the user's own, then the built-in
    /// ones in the order in which `profiles list` names them.
    pub(crate) fn new<'p>(profiles: impl Iterator<Item = &'p Profile>) -> Self {
        let ranked = profiles.enumerate();
        let named = ranked.map(|(rank, profile)| {
            (
                profile.name.clone(),
                ExportOrigin::from_profile(profile, rank),
            )
        });
        ExportOrigins {
            by_profile: named.collect(),
            inputs: Vec::new(),
        }
    }

    /// Adds the job's next input: its path, and the name of its profile.
    pub(crate) fn add_input(&mut self, path: &str, profile: &str) {
        let origin = self.by_profile.get(profile).cloned();
        self.inputs.push((path.to_owned(), origin));
    }

    /// Returns the origin of an event of the job.
    pub(crate) fn of_event(&self, event: EventRef<'_>) -> Option<&ExportOrigin> {
        let (_, origin) = self.inputs.get(event.source.input)?;
        origin.as_ref()
    }

    /// Returns the origin of what a profile read, by the profile's name.
    pub(crate) fn of_profile(&self, profile: &str) -> Option<&ExportOrigin> {
        self.by_profile.get(profile)
    }

    /// Returns the path of an input of the job.
    pub(crate) fn path(&self, input: usize) -> &str {
        self.inputs.get(input).map_or("", |(path, _)| path)
    }

    /// Returns where an event was read, for people: `payments.csv:12`.
    pub(crate) fn place(&self, event: EventRef<'_>) -> String {
        format!("{}:{}", self.path(event.source.input), event.source.line)
    }
}

//! How a job's exports are read and planned.

use std::borrow::Cow;

use super::refused::{
    commissions_are_no_export, named_misfit, not_an_export, unanswered, unrecognised,
};
use crate::convert::Foreign;
use crate::event::{Currency, Decimals};
use crate::export::Export;
use crate::link::Rules;
use crate::problem::Problem;
use crate::profile::{Profile, Profiles};
use crate::recognise::{Recognised, Why, recognise};

/// How a job's exports are read and planned.
#[derive(Clone, Debug)]
pub struct Setup<'s> {
    /// The profiles to choose from.
    pub profiles: &'s Profiles,
    /// The profile that the user named; else each export's is found by its header.
    pub profile: Option<&'s Profile>,
    /// The currency of amounts for which nothing names one.
    pub account_currency: Currency,
    /// What is done with amounts in other currencies than the account's.
    pub foreign: Foreign,
    /// How many decimals the API takes of some currencies.
    pub decimals: Decimals,
    /// What is done with refunds whose sale is not named or not found.
    pub rules: Rules,
    /// Whether the API takes the dates of sales, refunds and cancellations.
    pub takes_dates: bool,
}

impl<'s> Setup<'s> {
    /// Returns the setup in which each export is read by the profile that its header fits, and everything
    /// else is as it is by default.
    pub fn new(profiles: &'s Profiles, account_currency: Currency) -> Self {
        Setup {
            profiles,
            profile: None,
            account_currency,
            foreign: Foreign::default(),
            decimals: Decimals::default(),
            rules: Rules::default(),
            takes_dates: true,
        }
    }

    pub(super) fn bind(
        &self,
        export: &mut Export,
        header: &[String],
        cell: fn(&str) -> Cow<'_, str>,
    ) -> Result<Recognised<'s>, Box<Problem>> {
        let path = export.path().display().to_string();
        let found = match self.profile {
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
                    why: Why::Named,
                }
            }
            None => recognise(self.profiles, export, header, cell)
                .map_err(|error| unrecognised(&path, header, error))?,
        };
        if found.profile.is_for_commissions() {
            return Err(Box::new(commissions_are_no_export().at(path, None)));
        }
        match unanswered(found.profile, &found.binding) {
            Some(problem) => Err(Box::new(problem.at(path, None))),
            None => Ok(found),
        }
    }
}

//! The set of all profiles: those that come with the program, and the user's own.

use std::collections::BTreeMap;

use super::{LookAlike, OwnFile, Profile, ProfileError, Split, compile, extend, look_alike};
use crate::export::{HeaderTest, LinesAbove};

/// Returns the texts of the built-in profiles in this folder, with their names.
macro_rules! built_in {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("builtin/", $name, ".toml")))),*]
    };
}

pub(super) const BUILT_IN: &[(&str, &str)] = built_in![
    "stripe-payments",
    "stripe-invoices",
    "stripe-subscriptions",
    "stripe-itemized-balance",
    "stripe-payout-itemized",
    "stripe-balance-history",
    "paypal-activity",
    "paypal-activity-day-first",
    "paypal-activity-day-first-comma",
    "paypal-activity-de",
    "paypal-activity-fr",
    "paypal-activity-it",
    "paypal-activity-pt",
    "paypal-activity-nl",
    "paypal-activity-ja",
    "shopify-orders",
    "woocommerce-orders",
    "woocommerce-order-totals",
    "tiendanube-orders",
    "razorpay-payments",
    "razorpay-refunds",
    "whop-payments",
    "chargebee-invoices",
    "chargebee-subscriptions",
    "recurly-transactions",
    "recurly-invoices",
    "recurly-subscriptions",
    "braintree-transactions",
    "gocardless-payments",
    "gumroad-sales",
    "leads",
    "commissions",
    "event-report",
    "generic",
];

/// The built-in profiles and the user's own.
#[derive(Clone, Debug)]
pub struct Profiles {
    /// The profiles, the user's first, then the built-in ones.
    all: Vec<Profile>,
    pub(super) look_alikes: Vec<LookAlike>,
}

impl Profiles {
    /// Loads the built-in profiles and those of the `[exports.…]` tables of a configuration.
    ///
    /// A user's profile with the name of a built-in one replaces it.
    ///
    /// # Errors
    ///
    /// A profile of the user's is not valid.
    pub fn load(own: &BTreeMap<String, toml::Table>) -> Result<Self, ProfileError> {
        let built_in = built_in_tables()?;
        let own = extend::with_current_keys(own);
        let mut all = Vec::new();
        for name in own.keys() {
            all.push(Profile {
                is_own: true,
                ..compile::profile(name, extend::resolve(name, &own, &built_in)?)?
            });
        }
        let nobody = BTreeMap::new();
        for &(name, _) in BUILT_IN {
            if !own.contains_key(name) {
                let resolved = extend::resolve(name, &nobody, &built_in)?;
                all.push(compile::profile(name, resolved)?);
            }
        }
        Ok(Profiles {
            all,
            look_alikes: look_alike::built_in()?,
        })
    }

    /// Returns the sheets that these profiles name.
    pub fn sheets(&self) -> Vec<String> {
        self.iter()
            .filter_map(|profile| profile.sheet.clone())
            .collect()
    }

    /// Returns the numbers of lines that may be above the header, for all profiles.
    pub fn lines_above(&self) -> LinesAbove {
        let below: Vec<Profile> = self
            .iter()
            .filter(|profile| profile.skip_lines > 0)
            .cloned()
            .collect();
        let counts = below.iter().map(|profile| profile.skip_lines).collect();
        LinesAbove::new(counts, move |line| {
            let mut below = below.iter();
            below.any(|profile| {
                profile.skip_lines == line.lines_above && profile.bind(&line.names).is_ok()
            })
        })
    }

    /// Returns the test for headers of exports that some profile reads.
    pub fn header_test(&self) -> HeaderTest {
        let profiles = self.clone();
        HeaderTest::new(move |header| profiles.fitting(header).is_ok())
    }

    /// Returns every profile, the user's own first.
    pub fn iter(&self) -> impl Iterator<Item = &Profile> {
        self.all.iter()
    }

    /// Returns the profiles that are for lists of commissions.
    pub fn for_commissions(&self) -> Profiles {
        let is_theirs = |profile: &&Profile| profile.is_for_commissions();
        Profiles {
            all: self.iter().filter(is_theirs).cloned().collect(),
            look_alikes: Vec::new(),
        }
    }

    /// Sets the user's file of each profile, by its name.
    pub(crate) fn place(&mut self, file_of: impl Fn(&str) -> Option<OwnFile>) {
        for profile in &mut self.all {
            profile.file = file_of(&profile.name);
        }
    }

    /// Returns the profile with that name.
    ///
    /// # Errors
    ///
    /// There is no such profile.
    pub fn named(&self, name: &str) -> Result<&Profile, ProfileError> {
        self.all
            .iter()
            .find(|profile| profile.name == name)
            .ok_or_else(|| {
                let known: Vec<_> = self.iter().map(|p| format!("`{}`", p.name)).collect();
                ProfileError::new(name, "there is no profile with this name")
                    .hint(format!("profiles are {}", known.join(", ")))
            })
    }

    /// Separates a profile into its own settings and those of the profiles that it extends. `own`
    /// is as for [`Profiles::load`]; only `extends` is checked.
    pub fn split(name: &str, own: &BTreeMap<String, toml::Table>) -> Result<Split, ProfileError> {
        extend::split(name, &extend::with_current_keys(own), &built_in_tables()?)
    }

    /// Returns the text of a built-in profile, with its comments.
    pub fn built_in_text(name: &str) -> Option<&'static str> {
        BUILT_IN
            .iter()
            .find(|(built_in, _)| *built_in == name)
            .map(|(_, text)| *text)
    }
}

fn built_in_tables() -> Result<BTreeMap<String, toml::Table>, ProfileError> {
    BUILT_IN
        .iter()
        .map(|&(name, text)| Ok((name.to_owned(), extend::parse(name, text)?)))
        .collect()
}

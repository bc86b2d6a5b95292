//! All profiles there are: those that come with the program and the user's own.

use std::collections::BTreeMap;

use super::{LookAlike, OwnFile, Profile, ProfileError, Split, compile, extend, look_alike};
use crate::export::LinesAbove;

/// The built-in profiles of this folder by their names.
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
    /// The user's first, then the built-in ones.
    all: Vec<Profile>,
    pub(super) look_alikes: Vec<LookAlike>,
}

impl Profiles {
    /// The built-in profiles and those of the `[exports.…]` tables of a configuration.
    ///
    /// A profile of the user's with the name of a built-in one takes its place.
    pub fn load(own: &BTreeMap<String, toml::Table>) -> Result<Self, ProfileError> {
        let built_in = built_in_tables()?;
        let mut all = Vec::new();
        for name in own.keys() {
            all.push(Profile {
                is_own: true,
                ..compile::profile(name, extend::resolve(name, own, &built_in)?)?
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

    /// Returns below how many lines the header of an export may stand, by these profiles.
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

    /// Every profile, the user's own first.
    pub fn iter(&self) -> impl Iterator<Item = &Profile> {
        self.all.iter()
    }

    /// Those alone that are for lists of commissions.
    pub fn for_commissions(&self) -> Profiles {
        let is_theirs = |profile: &&Profile| profile.is_for_commissions();
        Profiles {
            all: self.iter().filter(is_theirs).cloned().collect(),
            look_alikes: Vec::new(),
        }
    }

    /// Says in which file of the user's each profile stands, by its name.
    pub fn place(&mut self, file_of: impl Fn(&str) -> Option<OwnFile>) {
        for profile in &mut self.all {
            profile.file = file_of(&profile.name);
        }
    }

    /// The profile of that name.
    pub fn named(&self, name: &str) -> Result<&Profile, ProfileError> {
        self.all
            .iter()
            .find(|profile| profile.name == name)
            .ok_or_else(|| {
                let known: Vec<_> = self.iter().map(|p| format!("`{}`", p.name)).collect();
                ProfileError::new(name, "there is no profile of this name")
                    .hint(format!("profiles are {}", known.join(", ")))
            })
    }

    /// What a profile says itself, and what it has from those that it extends. `own` is as for
    /// [`Profiles::load`]; nothing is checked but `extends`.
    pub fn split(name: &str, own: &BTreeMap<String, toml::Table>) -> Result<Split, ProfileError> {
        extend::split(name, own, &built_in_tables()?)
    }

    /// The text of a built-in profile, with its comments.
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

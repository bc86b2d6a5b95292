//! Which profile fits a header, and why the others don't.

use std::fmt;

use super::{ColumnIndex, LookAlike, Profile, Profiles};
use crate::invisible::shown;

/// Where a profile's columns stand in one export.
#[derive(Clone, Debug)]
pub struct Binding {
    positions: Vec<Option<usize>>,
}

impl Binding {
    /// The field's index in a row, or nothing where the export does not have the column.
    pub(crate) fn position(&self, column: ColumnIndex) -> Option<usize> {
        self.positions.get(column).copied().flatten()
    }
}

/// Why a profile does not fit a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The profile's name.
    pub profile: String,
    /// Columns that it needs and the header lacks, by their newest header name.
    pub missing: Vec<String>,
    /// Header names that it needs and that stand there more than once.
    pub doubled: Vec<String>,
    /// Header names that exports of this kind never have.
    pub foreign: Vec<String>,
    /// How many of the needed columns are there.
    pub found: usize,
}

/// Why no profile fits a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// What the file is instead, where that is known.
    pub look_alike: Option<LookAlike>,
    /// The profile whose header it is, but for case and spaces.
    pub respelt: Option<Respelt>,
    /// Why each profile does not fit, the closest first.
    pub misfits: Vec<Misfit>,
}

/// A header that is a profile's, but for case and spaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Respelt {
    /// The profile's name.
    pub profile: String,
    /// The first name that is spelled otherwise, as the header has it.
    pub found: String,
    /// That name as exports of this kind have it.
    pub expected: String,
}

impl fmt::Display for Respelt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Respelt {
            profile,
            found,
            expected,
        } = self;
        let found = shown(found);
        write!(
            f,
            "the header is that of the profile `{profile}`, but for its spelling: it has `{found}`, and that export has `{expected}`"
        )
    }
}

/// How many columns have to be there for a header to be a profile's but for its spelling.
const RESPELT_LEAST: usize = 4;

/// Returns a header name without what a spreadsheet or a script changes in it.
fn spelling(name: &str) -> String {
    let words = name.split_whitespace().map(str::to_lowercase);
    words.collect::<Vec<_>>().join(" ")
}

impl Profile {
    /// Returns where this header is spelled otherwise than exports of this kind have it, if it is one of
    /// them but for that.
    fn respelt(&self, header: &[String]) -> Option<Respelt> {
        let names = || self.columns.iter().flat_map(|column| &column.headers);
        let known = |name: &String| names().find(|known| spelling(known) == spelling(name));
        let restored: Vec<String> = header
            .iter()
            .map(|name| known(name).unwrap_or(name).clone())
            .collect();
        let is_there = |name: &String| restored.contains(name);
        let columns = self.columns.iter();
        let found = columns.filter(|column| column.headers.iter().any(is_there));
        if found.count() < RESPELT_LEAST || self.bind(&restored).is_err() {
            return None;
        }
        let mut pairs = header.iter().zip(&restored);
        let (found, expected) = pairs.find(|(found, expected)| found != expected)?;
        Some(Respelt {
            profile: self.name.clone(),
            found: found.clone(),
            expected: expected.clone(),
        })
    }
}

impl Misfit {
    fn faults(&self) -> usize {
        self.missing.len() + self.doubled.len() + self.foreign.len()
    }

    /// The reason in a few words.
    pub fn reason(&self) -> String {
        let quoted = |names: &[String]| -> String {
            names
                .iter()
                .map(|n| format!("`{n}`"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let mut reasons = Vec::new();
        if !self.missing.is_empty() {
            reasons.push(format!("lacks {}", quoted(&self.missing)));
        }
        if !self.doubled.is_empty() {
            reasons.push(format!("has {} more than once", quoted(&self.doubled)));
        }
        if !self.foreign.is_empty() {
            reasons.push(format!(
                "has {}, as these exports never do",
                quoted(&self.foreign)
            ));
        }
        reasons.join(" and ")
    }
}

impl Profile {
    /// Finds the profile's columns in a header, by whole names.
    pub fn bind(&self, header: &[String]) -> Result<Binding, Misfit> {
        let mut positions = Vec::with_capacity(self.columns.len());
        let mut misfit = Misfit {
            profile: self.name.clone(),
            missing: Vec::new(),
            doubled: Vec::new(),
            foreign: Vec::new(),
            found: 0,
        };
        for column in &self.columns {
            let name = column.headers.iter().find(|name| header.contains(name));
            let position = name.and_then(|name| header.iter().position(|h| h == name));
            positions.push(position);
            match name {
                Some(name) if header.iter().filter(|h| *h == name).count() > 1 => {
                    misfit.doubled.push(name.clone());
                }
                Some(_) if !column.optional => misfit.found += 1,
                None if !column.optional => {
                    misfit.missing.extend(column.headers.first().cloned());
                }
                _ => {}
            }
        }
        if let Some(names) = self.missing_customer(&positions) {
            misfit.missing.push(names);
        }
        let foreign = self.absent.iter().filter(|name| header.contains(name));
        misfit.foreign.extend(foreign.cloned());
        if misfit.faults() == 0 {
            Ok(Binding { positions })
        } else {
            Err(misfit)
        }
    }

    /// Without an email and without a uid no row could belong to anybody.
    fn missing_customer(&self, positions: &[Option<usize>]) -> Option<String> {
        let columns: Vec<_> = [self.customer.email, self.customer.uid]
            .into_iter()
            .flatten()
            .collect();
        let found = columns.iter().any(|&c| positions[c].is_some());
        let required = columns.iter().any(|&c| !self.columns[c].optional);
        // A commission is told by its event, too.
        let required = required || self.is_for_commissions();
        (!found && !required).then(|| {
            let names: Vec<_> = columns
                .iter()
                .filter_map(|&c| self.columns[c].headers.first().cloned())
                .collect();
            names.join("` or `")
        })
    }

    /// How many columns an export of this kind can't do without.
    pub fn needed(&self) -> usize {
        self.columns.iter().filter(|c| !c.optional).count()
    }
}

/// The profiles that fit a header, as far as the header tells.
#[derive(Clone, Debug)]
pub struct Fits<'p> {
    /// Those that find the most needed columns, the user's own first; never empty.
    pub closest: Vec<(&'p Profile, Binding)>,
    /// Those that fit too and find fewer.
    pub looser: Vec<&'p Profile>,
}

impl Profiles {
    /// Returns the profiles that fit a header.
    ///
    /// # Errors
    ///
    /// None fits, or it is a file of fprecon that has no way back in: why, the closest profile first.
    ///
    /// Where there are several in [`Fits::closest`] the rows have to decide: see
    /// [`crate::recognise`].
    pub fn fitting(&self, header: &[String]) -> Result<Fits<'_>, Box<Unfit>> {
        let mut closest: Vec<(&Profile, Binding)> = Vec::new();
        let mut looser = Vec::new();
        let mut misfits = Vec::new();
        for profile in self.iter().filter(|profile| profile.detect) {
            let needed = closest.first().map_or(0, |(other, _)| other.needed());
            match profile.bind(header) {
                Ok(_) if profile.needed() < needed => looser.push(profile),
                Ok(binding) => {
                    if profile.needed() > needed {
                        looser.extend(closest.drain(..).map(|(other, _)| other));
                    }
                    closest.push((profile, binding));
                }
                Err(misfit) => misfits.push(misfit),
            }
        }
        let has_own = closest.iter().any(|(profile, _)| profile.is_own);
        match closest.is_empty() || (!has_own && self.own_file(header).is_some()) {
            false => Ok(Fits { closest, looser }),
            true => Err(Box::new(self.unfit(header, misfits))),
        }
    }

    /// Returns which file of fprecon without a way back in has this header, if one has.
    pub fn own_file(&self, header: &[String]) -> Option<&LookAlike> {
        let mut own = self.look_alikes.iter().filter(|known| known.is_own_file);
        own.find(|known| known.fits(header))
    }

    fn respelt(&self, header: &[String]) -> Option<Respelt> {
        let mut profiles = self.iter().filter(|profile| profile.detect);
        profiles.find_map(|profile| profile.respelt(header))
    }

    fn unfit(&self, header: &[String], mut misfits: Vec<Misfit>) -> Unfit {
        let look_alike = self.look_alikes.iter().find(|known| known.fits(header));
        misfits.sort_by_key(|misfit| (misfit.faults(), usize::MAX - misfit.found));
        Unfit {
            respelt: self.respelt(header),
            look_alike: look_alike.cloned(),
            misfits,
        }
    }

    /// The profile that fits a header, as far as the header tells: the one that finds the most
    /// needed columns, the user's own before a built-in one.
    pub fn detect(&self, header: &[String]) -> Result<(&Profile, Binding), Box<Unfit>> {
        let mut fits = self.fitting(header)?;
        Ok(fits.closest.swap_remove(0))
    }
}

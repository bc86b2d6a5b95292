//! Finds the profile that fits a header, and the reasons why the others don't.

use super::spelling::spelling;
use super::{ColumnIndex, LookAlike, Profile, Profiles};

/// The positions of a profile's columns in one export.
#[derive(Clone, Debug)]
pub struct Binding {
    positions: Vec<Option<usize>>,
}

impl Binding {
    /// Returns the field's index in a row, or `None` if the export does not have the column.
    pub(crate) fn position(&self, column: ColumnIndex) -> Option<usize> {
        self.positions.get(column).copied().flatten()
    }

    /// Returns `true` if some column of the profile is the field at an index.
    pub(crate) fn has(&self, position: usize) -> bool {
        self.positions.contains(&Some(position))
    }
}

/// The reason why a profile does not fit a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The profile's name.
    pub profile: String,
    /// Required columns that the header lacks, by their newest header name.
    pub missing: Vec<String>,
    /// Required header names that occur more than once.
    pub doubled: Vec<String>,
    /// Header names that exports of this kind never have.
    pub foreign: Vec<String>,
    /// The number of required columns that were found.
    pub found: usize,
}

/// The reason why no profile fits a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// The known type of the file, if it is not an export.
    pub look_alike: Option<LookAlike>,
    /// The reason for each profile, the closest first.
    pub misfits: Vec<Misfit>,
}

/// The smallest number of matching columns with which a header may be a built-in profile's if only
/// case or spaces differ.
const RESPELT_LEAST: usize = 4;

/// The comparison of header names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HeaderComparison {
    /// The names must be equal.
    Exactly,
    /// Case and spaces are ignored if no name is equal.
    BySpelling,
}

/// A header's names, unchanged and by their spelling.
struct SpeltHeader<'h> {
    names: &'h [String],
    spelt: Vec<String>,
}

impl<'h> SpeltHeader<'h> {
    fn new(names: &'h [String]) -> Self {
        SpeltHeader {
            names,
            spelt: names.iter().map(|name| spelling(name)).collect(),
        }
    }

    /// Returns the position of a name, and how often it occurs.
    fn find(&self, name: &str, compared: HeaderComparison) -> Option<(usize, usize)> {
        let same = |names: &[String], wanted: &str| {
            let first = names.iter().position(|is| is == wanted)?;
            let count = names.iter().filter(|is| *is == wanted).count();
            Some((first, count))
        };
        match (same(self.names, name), compared) {
            (None, HeaderComparison::BySpelling) => same(&self.spelt, &spelling(name)),
            (found, _) => found,
        }
    }
}

impl Misfit {
    /// Returns the number of columns that prevent a match.
    pub(crate) fn faults(&self) -> usize {
        self.missing.len() + self.doubled.len() + self.foreign.len()
    }

    /// Returns the reason in a few words.
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
    /// Finds the profile's columns in a header, by whole names. If no name is equal, case and
    /// spaces may differ.
    ///
    /// # Errors
    ///
    /// A required column is missing or occurs twice.
    pub fn bind(&self, header: &[String]) -> Result<Binding, Misfit> {
        let header = SpeltHeader::new(header);
        let exactly = self.bind_as(&header, HeaderComparison::Exactly);
        exactly.or_else(|misfit| {
            let respelt = self.bind_as(&header, HeaderComparison::BySpelling);
            respelt.map_err(|_| misfit)
        })
    }

    /// Binds the required columns by this comparison; the optional ones may always differ in case
    /// and spaces.
    fn bind_as(
        &self,
        header: &SpeltHeader<'_>,
        compared: HeaderComparison,
    ) -> Result<Binding, Misfit> {
        let mut positions = Vec::with_capacity(self.columns.len());
        let mut misfit = Misfit {
            profile: self.name.clone(),
            missing: Vec::new(),
            doubled: Vec::new(),
            foreign: Vec::new(),
            found: 0,
        };
        for column in &self.columns {
            let compared = if column.is_optional {
                HeaderComparison::BySpelling
            } else {
                compared
            };
            let find = |compared| {
                let mut names = column.headers.iter();
                names.find_map(|name| Some((name, header.find(name, compared)?)))
            };
            let found = find(HeaderComparison::Exactly).or_else(|| find(compared));
            positions.push(found.map(|(_, (position, _))| position));
            match found {
                Some((name, (_, 2..))) => misfit.doubled.push(name.clone()),
                Some(_) if !column.is_optional => misfit.found += 1,
                None if !column.is_optional => {
                    misfit.missing.extend(column.headers.first().cloned());
                }
                _ => {}
            }
        }
        if let Some(names) = self.missing_customer(&positions) {
            misfit.missing.push(names);
        }
        let is_there = |name: &&String| header.find(name, HeaderComparison::BySpelling).is_some();
        misfit
            .foreign
            .extend(self.absent.iter().filter(is_there).cloned());
        if misfit.faults() == 0 {
            Ok(Binding { positions })
        } else {
            Err(misfit)
        }
    }

    /// Returns the missing column of the customer: without an email and a uid, no row could belong
    /// to anybody.
    fn missing_customer(&self, positions: &[Option<usize>]) -> Option<String> {
        let columns: Vec<_> = [self.customer.email, self.customer.uid]
            .into_iter()
            .flatten()
            .collect();
        let found = columns.iter().any(|&c| positions[c].is_some());
        let required = columns.iter().any(|&c| !self.columns[c].is_optional);
        // A commission can be identified by its event, too.
        let required = required || self.is_for_commissions();
        (!found && !required).then(|| {
            let names: Vec<_> = columns
                .iter()
                .filter_map(|&c| self.columns[c].headers.first().cloned())
                .collect();
            names.join("` or `")
        })
    }

    /// Returns the number of columns that an export of this kind must have.
    pub fn needed(&self) -> usize {
        self.columns.iter().filter(|c| !c.is_optional).count()
    }
}

/// The profiles that fit a header, as far as the header shows.
#[derive(Clone, Debug)]
pub struct Fits<'p> {
    /// The profiles that find the most required columns, the user's own first; never empty.
    pub closest: Vec<(&'p Profile, Binding)>,
    /// The profiles that fit too and find fewer.
    pub looser: Vec<&'p Profile>,
}

impl Profiles {
    /// Returns the profiles that fit a header.
    ///
    /// # Errors
    ///
    /// No profile fits, or it is a file of fprecon that can't be read again: the reasons, the
    /// closest profile first.
    ///
    /// If `Fits::closest` has several profiles, the rows have to decide: see
    /// `recognise`.
    pub fn fitting(&self, header: &[String]) -> Result<Fits<'_>, Box<Unfit>> {
        let names = SpeltHeader::new(header);
        let mut fits = self.fitting_as(&names, HeaderComparison::Exactly);
        let is_known = || self.look_alikes.iter().any(|known| known.fits(header));
        if fits.as_ref().is_err_and(|_| !is_known()) {
            let respelt = self.fitting_as(&names, HeaderComparison::BySpelling);
            fits = respelt.or(fits);
        }
        let has_own = |fits: &Fits<'_>| fits.closest.iter().any(|(profile, _)| profile.is_own);
        match fits {
            Ok(fits) if has_own(&fits) || self.own_file(header).is_none() => Ok(fits),
            Ok(_) => Err(Box::new(self.unfit(header, Vec::new()))),
            Err(misfits) => Err(Box::new(self.unfit(header, misfits))),
        }
    }

    fn fitting_as(
        &self,
        header: &SpeltHeader<'_>,
        compared: HeaderComparison,
    ) -> Result<Fits<'_>, Vec<Misfit>> {
        let mut closest: Vec<(&Profile, Binding)> = Vec::new();
        let mut looser = Vec::new();
        let mut misfits = Vec::new();
        // A header with few names that nearly match a profile's is weak evidence.
        let says_enough = |profile: &Profile, binding: &Binding| match compared {
            HeaderComparison::Exactly => true,
            HeaderComparison::BySpelling => {
                let found = binding.positions.iter().flatten().count();
                profile.is_own || found >= RESPELT_LEAST
            }
        };
        for profile in self.iter().filter(|profile| profile.is_detected) {
            let needed = closest.first().map_or(0, |(other, _)| other.needed());
            match profile.bind_as(header, compared) {
                Ok(binding) if !says_enough(profile, &binding) => {}
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
        if closest.is_empty() {
            Err(misfits)
        } else {
            Ok(Fits { closest, looser })
        }
    }

    /// Returns the type of fprecon's own files with this header that can't be read again, if there
    /// is one.
    pub fn own_file(&self, header: &[String]) -> Option<&LookAlike> {
        let mut own = self.look_alikes.iter().filter(|known| known.is_own_file);
        own.find(|known| known.fits(header))
    }

    fn unfit(&self, header: &[String], mut misfits: Vec<Misfit>) -> Unfit {
        let look_alike = self.look_alikes.iter().find(|known| known.fits(header));
        misfits.sort_by_key(|misfit| (misfit.faults(), usize::MAX - misfit.found));
        Unfit {
            look_alike: look_alike.cloned(),
            misfits,
        }
    }

    /// Returns the profile that fits a header best: the one that finds the most required columns,
    /// the user's own before a built-in one.
    ///
    /// # Errors
    ///
    /// No profile fits.
    pub fn detect(&self, header: &[String]) -> Result<(&Profile, Binding), Box<Unfit>> {
        let mut fits = self.fitting(header)?;
        Ok(fits.closest.swap_remove(0))
    }
}

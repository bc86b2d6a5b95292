//! The promoters of the simulated account.

use std::collections::HashMap;

use super::moment::Moment;
use super::rates::SandboxRate;

/// A promoter.
#[derive(Clone, Debug)]
pub(super) struct StoredPromoter {
    pub(super) id: u64,
    pub(super) promotion_id: u64,
    pub(super) email: String,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) ref_id: String,
    pub(super) promo_code: Option<String>,
    pub(super) rate: Option<SandboxRate>,
    /// `true` if the promoter is banned: the leads of a banned promoter are not referrals.
    pub(super) is_banned: bool,
    pub(super) created_at: Moment,
}

impl StoredPromoter {
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
            .trim()
            .to_owned()
    }
}

/// All promoters, and the codes and visits that lead to them.
#[derive(Clone, Debug, Default)]
pub(super) struct StoredPromoters {
    all: Vec<StoredPromoter>,
    /// The indices of promoters who are not banned.
    open: Vec<usize>,
    by_ref_id: HashMap<String, usize>,
    /// The index of each code's promoter; codes are in lower case.
    by_code: HashMap<String, usize>,
    /// The index of the promoter to whom a visitor with this tracking id came.
    visits: HashMap<String, usize>,
    /// The index of the promoter who owns all codes that nobody else owns.
    pub(super) other_codes: Option<usize>,
    /// `true` if a tracking id that is not declared is accepted as a real one.
    pub(super) accepts_other_visits: bool,
}

impl StoredPromoters {
    pub(super) fn add(&mut self, promoter: StoredPromoter) {
        let place = self.all.len();
        self.by_ref_id.insert(promoter.ref_id.clone(), place);
        if let Some(code) = &promoter.promo_code {
            self.by_code.insert(code.to_lowercase(), place);
        }
        if !promoter.is_banned {
            self.open.push(place);
        }
        self.all.push(promoter);
    }

    /// Changes a promoter. What named the promoter before leads to nobody any more.
    pub(super) fn replace(&mut self, place: usize, promoter: StoredPromoter) {
        let old = std::mem::replace(&mut self.all[place], promoter);
        self.by_ref_id.remove(&old.ref_id);
        if let Some(code) = &old.promo_code {
            self.by_code.remove(&code.to_lowercase());
        }
        let new = &self.all[place];
        self.by_ref_id.insert(new.ref_id.clone(), place);
        if let Some(code) = &new.promo_code {
            self.by_code.insert(code.to_lowercase(), place);
        }
    }

    pub(super) fn add_visit(&mut self, tid: String, promoter: usize) {
        self.visits.insert(tid, promoter);
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn get(&self, place: usize) -> &StoredPromoter {
        &self.all[place]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &StoredPromoter> {
        self.all.iter()
    }

    pub(super) fn by_ref_id(&self, ref_id: &str) -> Option<usize> {
        self.by_ref_id.get(ref_id).copied()
    }

    pub(super) fn by_email(&self, email: &str) -> Option<usize> {
        let same = |promoter: &StoredPromoter| promoter.email.eq_ignore_ascii_case(email);
        self.all.iter().position(same)
    }

    pub(super) fn by_code(&self, code: &str) -> Option<usize> {
        self.by_own_code(code).or(self.other_codes)
    }

    /// Returns the promoter to whom a code belongs, and not just for want of another one.
    pub(super) fn by_own_code(&self, code: &str) -> Option<usize> {
        self.by_code.get(&code.to_lowercase()).copied()
    }

    /// Returns the promoter of a visit. The sandbox has no visitors: unless configured otherwise,
    /// every tracking id is accepted as a real one.
    pub(super) fn by_visit(&self, tid: &str) -> Option<usize> {
        let declared = self.visits.get(tid).copied();
        declared.or_else(|| {
            self.accepts_other_visits
                .then(|| self.any(stable_hash(tid)))?
        })
    }

    /// Returns one of the promoters who are not banned.
    pub(super) fn any(&self, hash: u64) -> Option<usize> {
        let count = u64::try_from(self.open.len()).ok()?;
        let place = usize::try_from(hash.checked_rem(count)?).ok()?;
        self.open.get(place).copied()
    }
}

/// Returns the FNV-1a hash of a text, mixed so that every digit depends on the whole text. It must
/// never change, since it decides which customers are leads.
pub(super) fn stable_hash(text: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

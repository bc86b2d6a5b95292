//! The promoters of the imagined account.

/// A promoter; the people are made up.
pub(super) struct Promoter {
    pub(super) id: u32,
    pub(super) email: &'static str,
    pub(super) ref_id: &'static str,
    pub(super) promotion_id: u32,
}

/// All of them, the owner of every promo code first.
pub(super) const PROMOTERS: [Promoter; 5] = [
    promoter(0, "nora@example.com", "nora"),
    promoter(1, "felix@example.com", "felix"),
    promoter(2, "amara@example.com", "amara"),
    promoter(3, "tomas@example.com", "tomas"),
    promoter(4, "yuki@example.com", "yuki"),
];

const fn promoter(place: u32, email: &'static str, ref_id: &'static str) -> Promoter {
    Promoter {
        id: 1983 + place,
        email,
        ref_id,
        promotion_id: 2986 + place,
    }
}

/// The place in [`PROMOTERS`] of the one with this referral id.
pub(super) fn by_ref_id(ref_id: &str) -> Option<usize> {
    PROMOTERS
        .iter()
        .position(|promoter| promoter.ref_id == ref_id)
}

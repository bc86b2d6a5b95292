//! What a request says of its event beside the event itself.

use sha2::{Digest, Sha256};

use super::Currency;

/// What a request carries: enough to tell later whether another one would say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Whether it has the event's id, by which the API tells a second one.
    pub has_event_id: bool,
    /// The currency that it names; `None` stands for the account's.
    pub currency: Option<Currency>,
    /// The first 128 bits of the SHA-256 of its body.
    pub digest: [u8; 16],
}

impl Carried {
    /// Describes a request with this body.
    pub fn new(body: &[u8], has_event_id: bool, currency: Option<Currency>) -> Self {
        let mut digest = [0; 16];
        digest.copy_from_slice(&Sha256::digest(body)[..16]);
        Carried {
            has_event_id,
            currency,
            digest,
        }
    }
}

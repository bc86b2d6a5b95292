//! Describes what a request carries beside its event.

use sha2::{Digest, Sha256};

use super::Currency;

/// Describes a request, with enough detail to tell later whether another one would say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried {
    /// `true` if the request has the event's id, by which the API recognises a repeated one.
    pub has_event_id: bool,
    /// The currency that the request names; `None` if it leaves that to the account.
    pub currency: Option<Currency>,
    /// The first 128 bits of the SHA-256 of the request's body.
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

//! Says how a run ended to those who do not watch it: as metrics, as JSON, or as a message, to a file, a
//! program or an address.
//!
//! Nothing here changes what a run recorded or its exit code. No email and no API key is in it.

mod address;
mod metrics;
mod notice;

pub(crate) use address::{Webhook, WebhookForm, hide_secrets_of_urls};
pub(crate) use metrics::{Metrics, write_metrics};
pub(crate) use notice::{Notice, NoticeParts};

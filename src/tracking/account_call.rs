//! Defines a call that changes the account and is not an event.

use reqwest::Method;

use super::answer::Answer;

/// Describes how a call is sent, and what its answer means.
pub(crate) trait AccountCall {
    /// Returns the HTTP method.
    fn method(&self) -> Method;

    /// Returns the path below the API's base.
    fn path(&self) -> &'static str;

    /// Returns the query of version 1.
    ///
    /// # Errors
    ///
    /// The JSON of version 2, which takes no query.
    fn parameters(&self) -> Result<String, String>;

    /// Interprets a complete answer.
    fn answer(&self, status: u16, body: &[u8]) -> Answer;

    /// Returns `true` if the call changes nothing more when it arrives a second time.
    fn is_repeatable(&self) -> bool {
        false
    }
}

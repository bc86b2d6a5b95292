//! A build that can't read objects.

use std::convert::Infallible;
use std::io::Read;

use super::{Address, ObjectError};

/// There is none in such a build.
#[derive(Clone, Debug)]
pub(crate) struct Bucket(Infallible);

impl Bucket {
    /// Says how to get a build that can.
    ///
    /// # Errors
    ///
    /// Always.
    pub(crate) fn connect(_: &Address) -> Result<Bucket, ObjectError> {
        Err(ObjectError {
            message: "this build of fprecon reads no object storage".to_owned(),
            hint: "build it with its default features: `cargo install --path .`; or download the file, \
                   and name that",
            is_missing: false,
        })
    }

    pub(crate) fn list(&self, _: &Address) -> Result<Vec<Address>, ObjectError> {
        match self.0 {}
    }

    pub(crate) fn read(&self, _: Address) -> Box<dyn Read + Send> {
        match self.0 {}
    }
}

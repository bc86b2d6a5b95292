//! A build that can't read objects.

use std::convert::Infallible;
use std::io::{self, Read};
use std::path::Path;

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
            message: "this build of fprecon uses no object storage".to_owned(),
            hint: "build it with its default features: `cargo install --path .`; or download exports, \
                   and upload reports",
            is_missing: false,
        })
    }

    pub(crate) fn list(&self, _: &Address) -> Result<Vec<Address>, ObjectError> {
        match self.0 {}
    }

    pub(crate) fn read(&self, _: Address) -> Box<dyn Read + Send> {
        match self.0 {}
    }

    pub(crate) fn names_in(&self, _: &Address) -> Result<Vec<String>, ObjectError> {
        match self.0 {}
    }

    pub(crate) fn small(&self, _: &Address, _: u64) -> Result<Option<Vec<u8>>, ObjectError> {
        match self.0 {}
    }

    pub(crate) fn put_file(&self, _: &Address, _: &Path) -> io::Result<()> {
        match self.0 {}
    }

    pub(crate) fn rename(&self, _: &Address, _: &Address) -> Result<(), ObjectError> {
        match self.0 {}
    }

    pub(crate) fn remove(&self, _: &Address) -> Result<(), ObjectError> {
        match self.0 {}
    }
}

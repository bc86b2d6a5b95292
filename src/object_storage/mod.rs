//! Reads objects of S3, Google Cloud Storage and Azure Blob Storage, by the addresses that users give.
//!
//! An address is `s3://BUCKET/KEY`, `gs://BUCKET/KEY` or `az://CONTAINER/KEY`.

#[cfg(not(feature = "object-store"))]
mod left_out;
#[cfg(feature = "object-store")]
mod reader;
#[cfg(feature = "object-store")]
mod store;
#[cfg(feature = "object-store")]
mod writer;

use std::fmt;
use std::io;
use std::path::Path;

#[cfg(not(feature = "object-store"))]
pub(crate) use left_out::Bucket;
#[cfg(feature = "object-store")]
pub(crate) use store::Bucket;

/// Names the service that keeps an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    S3,
    GoogleCloudStorage,
    AzureBlobStorage,
}

impl Service {
    const ALL: [Service; 3] = [
        Service::S3,
        Service::GoogleCloudStorage,
        Service::AzureBlobStorage,
    ];

    fn scheme(self) -> &'static str {
        match self {
            Service::S3 => "s3",
            Service::GoogleCloudStorage => "gs",
            Service::AzureBlobStorage => "az",
        }
    }
}

/// Says where an object is, or a folder of objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) service: Service,
    /// The bucket, or the container.
    pub(crate) bucket: String,
    /// The key of the object, or of a folder: then it is empty or ends with a slash.
    pub(crate) key: String,
}

impl Address {
    /// Returns the address that a name is; `None` for the path of a file.
    pub(crate) fn from_path(name: &Path) -> Option<Address> {
        let (scheme, rest) = name.to_str()?.split_once("://")?;
        let service = Service::ALL
            .into_iter()
            .find(|service| service.scheme().eq_ignore_ascii_case(scheme))?;
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        Some(Address {
            service,
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        })
    }

    /// Returns `true` if it names a folder.
    pub(crate) fn is_folder(&self) -> bool {
        self.key.is_empty() || self.key.ends_with('/')
    }

    /// Returns the address as that of a folder.
    pub(crate) fn into_folder(self) -> Address {
        let key = if self.is_folder() {
            self.key
        } else {
            format!("{}/", self.key)
        };
        Address { key, ..self }
    }

    /// Returns the address of an object in this folder.
    pub(crate) fn with(&self, name: &str) -> Address {
        self.with_key(&format!("{}{name}", self.key))
    }

    /// Returns the address of another object in the same bucket.
    pub(crate) fn with_key(&self, key: &str) -> Address {
        Address {
            key: key.to_owned(),
            ..self.clone()
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}/{}",
            self.service.scheme(),
            self.bucket,
            self.key
        )
    }
}

/// Says why an object can't be read.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ObjectError {
    message: String,
    hint: &'static str,
    is_missing: bool,
}

impl ObjectError {
    /// Returns what to do about it.
    pub(crate) fn hint(&self) -> &'static str {
        self.hint
    }

    /// Returns what to do about an error that has this one as its cause.
    pub(crate) fn hint_of(error: &io::Error) -> Option<&'static str> {
        let cause = error.get_ref()?.downcast_ref::<ObjectError>()?;
        Some(cause.hint())
    }

    /// Returns `true` if there is no such object or bucket.
    pub(crate) fn is_missing(&self) -> bool {
        self.is_missing
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    #[test]
    fn an_address_is_told_from_a_path() {
        let of = |name: &str| Address::from_path(Path::new(name));
        for name in [
            "exports/a.csv",
            "s3:/bucket/a.csv",
            "C:\\exports\\a.csv",
            "https://example.com/a.csv",
            "-",
        ] {
            assert_eq!(of(name), None, "{name}");
        }
        for (name, service, key) in [
            ("s3://billing/2026/a b.csv", Service::S3, "2026/a b.csv"),
            ("gs://billing/", Service::GoogleCloudStorage, ""),
            ("az://billing/2026/", Service::AzureBlobStorage, "2026/"),
        ] {
            let found = of(name).unwrap();
            assert_eq!((found.service, &*found.key), (service, key));
            assert_eq!(found.bucket, "billing");
            assert_eq!(found.to_string(), name);
            assert_eq!(found.is_folder(), name.ends_with('/'));
        }
        assert!(of("S3://billing").unwrap().is_folder());
    }
}

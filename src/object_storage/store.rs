//! Connects to a bucket.

use std::error::Error as _;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::TryStreamExt;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::path::Path;
use object_store::{ClientConfigKey, Error, ObjectStore, RetryConfig};
use reqwest::Url;
use tokio::runtime::{Builder, Runtime};

use super::{Address, ObjectError, Service};

/// The most objects of a folder or pattern: a bucket may have millions.
const MOST_OBJECTS: usize = 100_000;
const MOST_RETRIES: usize = 6;
/// The time after which a request is not tried again.
const RETRY_TIMEOUT: Duration = Duration::from_secs(60);

/// A bucket that can be read.
#[derive(Clone)]
pub(crate) struct Bucket {
    service: Service,
    pub(super) store: Arc<dyn ObjectStore>,
    runtime: Arc<Mutex<Runtime>>,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bucket({})", self.store)
    }
}

impl Bucket {
    /// Prepares the connection to the bucket of an address, with the credentials that the environment or the machine
    /// gives.
    ///
    /// # Errors
    ///
    /// The address or the environment is not valid.
    pub(crate) fn connect(address: &Address) -> Result<Bucket, ObjectError> {
        // On a second call the provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let service = address.service;
        let failed = |error| failure(service, &error);
        if address.bucket.is_empty() {
            return Err(ObjectError {
                message: "the address names no bucket".to_owned(),
                hint: "write it as `s3://BUCKET/KEY`",
                is_missing: false,
            });
        }
        let store = store(address).map_err(failed)?;
        let runtime = runtime().map_err(|error| ObjectError {
            message: format!("the connection can't be set up: {error}"),
            hint: "allow the process more open files (`ulimit -n 256`) or more threads (`ulimit -u`)",
            is_missing: false,
        })?;
        Ok(Bucket {
            service,
            store,
            runtime: Arc::new(Mutex::new(runtime)),
        })
    }

    /// Returns a bucket that is somewhere else.
    #[cfg(test)]
    pub(super) fn of_store(store: Arc<dyn ObjectStore>) -> Bucket {
        Bucket {
            service: Service::S3,
            store,
            runtime: Arc::new(Mutex::new(runtime().expect("a runtime"))),
        }
    }

    /// Lists the objects in a folder and below it, in the order of their keys.
    ///
    /// # Errors
    ///
    /// The bucket can't be read, or has more than are bearable.
    pub(crate) fn list(&self, folder: &Address) -> Result<Vec<Address>, ObjectError> {
        let prefix = self.path(folder)?;
        let listing = async {
            let mut objects = self.store.list(Some(&prefix));
            let mut found = Vec::new();
            while let Some(object) = objects.try_next().await? {
                // The marker that some tools keep of a folder.
                if object.size == 0 && folder.key.trim_end_matches('/') == object.location.as_ref()
                {
                    continue;
                }
                found.push(folder.with_key(object.location.as_ref()));
                if found.len() > MOST_OBJECTS {
                    break;
                }
            }
            Ok(found)
        };
        let listed = self.wait_for(listing);
        let mut found: Vec<Address> = listed.map_err(|error| self.failure(&error))?;
        if found.len() > MOST_OBJECTS {
            return Err(ObjectError {
                message: format!("more than {MOST_OBJECTS} objects are there"),
                hint: "name a folder further down, or a longer beginning of a pattern",
                is_missing: false,
            });
        }
        found.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(found)
    }

    /// Returns the key of an object or a folder as the client has it.
    pub(super) fn path(&self, address: &Address) -> Result<Path, ObjectError> {
        Path::parse(&address.key).map_err(|error| self.failure(&error.into()))
    }

    pub(super) fn failure(&self, error: &Error) -> ObjectError {
        failure(self.service, error)
    }

    pub(super) fn wait_for<T>(&self, work: impl Future<Output = T>) -> T {
        let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        runtime.block_on(work)
    }
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// The limits of one request; the others are the environment's.
const LIMITS: [(ClientConfigKey, &str); 3] = [
    (ClientConfigKey::ConnectTimeout, "5s"),
    // Of at most one piece of an object.
    (ClientConfigKey::Timeout, "120s"),
    (ClientConfigKey::Http1Only, "true"),
];

fn store(address: &Address) -> Result<Arc<dyn ObjectStore>, Error> {
    let retry = RetryConfig {
        max_retries: MOST_RETRIES,
        retry_timeout: RETRY_TIMEOUT,
        ..RetryConfig::default()
    };
    let bucket = &address.bucket;
    Ok(match address.service {
        Service::S3 => Arc::new(s3().with_bucket_name(bucket).with_retry(retry).build()?),
        Service::GoogleCloudStorage => {
            let limited = |builder: GoogleCloudStorageBuilder, (key, value)| {
                builder.with_config(GoogleConfigKey::Client(key), value)
            };
            let builder = LIMITS
                .into_iter()
                .fold(GoogleCloudStorageBuilder::from_env(), limited);
            Arc::new(builder.with_bucket_name(bucket).with_retry(retry).build()?)
        }
        Service::AzureBlobStorage => {
            let limited = |builder: MicrosoftAzureBuilder, (key, value)| {
                builder.with_config(AzureConfigKey::Client(key), value)
            };
            let from_environment = MicrosoftAzureBuilder::from_env();
            let endpoint = from_environment.get_config_value(&AzureConfigKey::Endpoint);
            let with_limits = LIMITS.into_iter().fold(from_environment, limited);
            let of_endpoint = if endpoint.is_some_and(|endpoint| is_loopback(&endpoint)) {
                with_limits.with_allow_http(true)
            } else {
                with_limits
            };
            let builder = of_endpoint.with_container_name(bucket).with_retry(retry);
            Arc::new(builder.build()?)
        }
    })
}

/// Returns what the environment says of S3. To a server on this machine, requests may go without TLS.
fn s3() -> AmazonS3Builder {
    let from_environment = AmazonS3Builder::from_env();
    let endpoint = [AmazonS3ConfigKey::S3Endpoint, AmazonS3ConfigKey::Endpoint]
        .iter()
        .find_map(|key| from_environment.get_config_value(key));
    let limited = |builder: AmazonS3Builder, (key, value)| {
        builder.with_config(AmazonS3ConfigKey::Client(key), value)
    };
    let builder = LIMITS.into_iter().fold(from_environment, limited);
    match endpoint {
        Some(endpoint) if is_loopback(&endpoint) => builder.with_allow_http(true),
        _ => builder,
    }
}

/// Returns `true` if an address is one of this machine, to which plain HTTP may go.
fn is_loopback(endpoint: &str) -> bool {
    let url = Url::parse(endpoint).ok();
    let host = url
        .as_ref()
        .and_then(Url::host_str)
        .unwrap_or_default()
        .trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|host: IpAddr| host.is_loopback())
}

/// Says what is wrong, and what to do.
fn failure(service: Service, error: &Error) -> ObjectError {
    let message = causes(error);
    let (message, hint, is_missing) = match status_of(error, &message) {
        Some(404) => (
            "there is no such object or bucket".to_owned(),
            "check the address",
            true,
        ),
        Some(304 | 412) => return changed(),
        Some(403) => (
            "access is denied (403)".to_owned(),
            access_hint(service),
            false,
        ),
        Some(401) => (
            "the credentials are not accepted (401)".to_owned(),
            access_hint(service),
            false,
        ),
        _ if is_about_machine_role(&message) => (
            format!("no credentials are set, and this machine has no role: {message}"),
            access_hint(service),
            false,
        ),
        _ => {
            let hint = hint_of_failure(service, &message);
            let message = format!("object storage can't be used: {message}");
            (message, hint, false)
        }
    };
    ObjectError {
        message,
        hint,
        is_missing,
    }
}

/// Returns the HTTP status of an answer that is an error. For a list, the client has it in its words only.
fn status_of(error: &Error, message: &str) -> Option<u16> {
    Some(match error {
        Error::NotFound { .. } => 404,
        Error::Precondition { .. } => 412,
        Error::NotModified { .. } => 304,
        Error::PermissionDenied { .. } => 403,
        Error::Unauthenticated { .. } => 401,
        _ if is_about_machine_role(message) => return None,
        _ => message.split_once(STATUS)?.1.get(..3)?.parse().ok()?,
    })
}

pub(super) fn changed() -> ObjectError {
    ObjectError {
        message: "the object changed while it was read".to_owned(),
        hint: "run the same command again once nobody writes it",
        is_missing: false,
    }
}

fn access_hint(service: Service) -> &'static str {
    match service {
        Service::S3 => {
            "set `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_REGION`, or run it where a role gives them; \
             profiles of the AWS command line are not read, but `aws configure export-credentials --format env` \
             prints theirs"
        }
        Service::GoogleCloudStorage => {
            "set `GOOGLE_APPLICATION_CREDENTIALS` to the key of a service account that may read the bucket, or run it \
             where an account is attached"
        }
        Service::AzureBlobStorage => {
            "set `AZURE_STORAGE_ACCOUNT_NAME` and `AZURE_STORAGE_ACCOUNT_KEY`, or run it where a managed identity may \
             read the container"
        }
    }
}

fn hint_of_failure(service: Service, message: &str) -> &'static str {
    if message.contains("URL scheme is not allowed") {
        match service {
            Service::S3 => {
                "requests go over TLS; without it only where `AWS_ALLOW_HTTP=true` allows that"
            }
            Service::GoogleCloudStorage => {
                "requests go over TLS; without it only where `GOOGLE_ALLOW_HTTP=true` allows that"
            }
            Service::AzureBlobStorage => {
                "requests go over TLS; without it only where `AZURE_ALLOW_HTTP=true` allows that"
            }
        }
    } else if message.contains("Error performing") {
        "check the network, the region and the endpoint, and run the same command again"
    } else {
        access_hint(service)
    }
}

/// Returns `true` if an error is that of asking the machine for its role.
fn is_about_machine_role(message: &str) -> bool {
    [
        "169.254.169.254",
        "169.254.170.2",
        "metadata.google.internal",
        "/metadata/",
    ]
    .iter()
    .any(|address| message.contains(address))
}

/// What the client says before the status of an answer.
const STATUS: &str = "non-2xx status code: ";

/// Returns an error with its causes, without what signs a request, and without the page that a server answers with.
fn causes(error: &Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let next_message = next.to_string();
        if !message.contains(&next_message) {
            message = format!("{message}: {next_message}");
        }
        cause = next.source();
    }
    let end = message.find("<?xml").or(message.find("<html"));
    without_queries(message[..end.unwrap_or(message.len())].trim_end_matches([' ', ':']))
}

/// Returns a text without the queries of the addresses in it: they may have a signature.
fn without_queries(text: &str) -> String {
    let mut words = text.split_inclusive([' ', '"', ')', '\n']);
    let mut shown = String::with_capacity(text.len());
    for word in &mut words {
        match word.split_once('?') {
            Some((before, query)) if before.contains("://") => {
                shown.push_str(before);
                shown.extend(query.chars().last().filter(|last| !last.is_alphanumeric()));
            }
            _ => shown.push_str(word),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_no_signature() {
        let text =
            "Error after 3 retries: GET https://a.example/b/c.csv?sv=2026&sig=secret (timeout)";
        let shown = without_queries(text);
        assert_eq!(
            shown,
            "Error after 3 retries: GET https://a.example/b/c.csv (timeout)"
        );
    }

    #[test]
    fn plain_http_goes_to_this_machine_only() {
        for endpoint in [
            "http://127.0.0.1:9000",
            "http://localhost",
            "http://[::1]:9000",
        ] {
            assert!(is_loopback(endpoint), "{endpoint}");
        }
        for endpoint in [
            "http://10.0.0.1",
            "http://minio",
            "127.0.0.1",
            "http://127.example",
        ] {
            assert!(!is_loopback(endpoint), "{endpoint}");
        }
    }
}

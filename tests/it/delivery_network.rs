//! Delivery over a network that misbehaves below HTTP, and where the key goes. The tests are named
//! after their row of the table in `docs/reliability.md`.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{Payment, Place, Ran, SandboxProcess, Server, end_of, respond, stripe_export};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

const RUN: &[&str] = &[
    "run",
    "payments.csv",
    "--yes",
    "--json",
    "--concurrency",
    "1",
];
/// What the API says of a sale.
const TRACKED: &[u8] = b"{\"id\": 1, \"type\": \"sale\"}";

fn sales(count: u32) -> Place {
    let payments: Vec<Payment> = (1..=count).map(|n| Payment::paid(n, n)).collect();
    let place = Place::new();
    place.write("payments.csv", &stripe_export(&payments));
    place
}

/// A cancellation, which may not be sent twice.
fn cancellation() -> Place {
    let place = Place::new();
    place.write(
        "payments.csv",
        "kind,event_id,email\ncancellation,c1,ina@example.com\n",
    );
    place
}

fn outcome(report: &Value, name: &str) -> u64 {
    report["outcomes"][name]["count"].as_u64().unwrap_or(0)
}

/// The program with waits of a second, at an address.
fn impatient(place: &Place, base_url: &str) -> Command {
    let mut command = place.command_at(base_url, RUN);
    command
        .env("FPRECON_CONNECT_TIMEOUT_SECONDS", "1")
        .env("FPRECON_READ_TIMEOUT_SECONDS", "1")
        .env("FPRECON_REQUEST_TIMEOUT_SECONDS", "2")
        .env("FPRECON_GIVE_UP_AFTER_SECONDS", "1");
    command
}

fn output(mut command: Command) -> Ran {
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    end_of(piped.spawn().unwrap())
}

/// A server that takes connections and does with each what it is told, without reading a request
/// first; it counts them.
fn server(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let count = Arc::new(AtomicUsize::new(0));
    let (counted, serve) = (Arc::clone(&count), Arc::new(serve));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            let (stream, serve) = (stream.unwrap(), Arc::clone(&serve));
            std::thread::spawn(move || serve(stream));
        }
    });
    (address, count)
}

#[test]
fn row_19_a_connect_that_hangs_ends_and_nothing_counts_as_sent() {
    // TCP is accepted, and TLS never answered.
    let (address, asked) = server(|mut stream| {
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all);
    });
    let place = cancellation();
    let mut command = impatient(&place, &format!("https://{address}/api/v1"));
    // The other two begin to run with the connection.
    command
        .env("FPRECON_READ_TIMEOUT_SECONDS", "3600")
        .env("FPRECON_REQUEST_TIMEOUT_SECONDS", "3600");
    let ran = output(command).expect(5);
    // A request that never left may go again, even one that must not be repeated.
    assert_eq!(outcome(&ran.json(), "not_sent"), 1);
    assert!(asked.load(Ordering::SeqCst) >= 1);
}

/// Answers with a head at once, and then a byte now and then, for ever.
fn drip(stream: &mut TcpStream, wait: Duration) {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n";
    let _ = stream.write_all(head.as_bytes());
    while stream.write_all(b" ").is_ok() {
        std::thread::sleep(wait);
    }
}

#[test]
fn row_19_an_answer_that_drips_ends_by_the_time_for_a_whole_request() {
    let server = Server::start(|_, stream| drip(stream, Duration::from_millis(100)));
    let place = sales(1);
    let report = output(impatient(&place, &server.base_url)).expect(5).json();
    assert_eq!(outcome(&report, "not_sent"), 1, "a sale may be asked again");

    let server = Server::start(|_, stream| drip(stream, Duration::from_millis(100)));
    let place = cancellation();
    let report = output(impatient(&place, &server.base_url)).expect(1).json();
    assert_eq!(outcome(&report, "unconfirmed"), 1);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn row_19_an_answer_that_stops_ends_by_the_time_between_two_pieces() {
    let server = Server::start(|_, stream| drip(stream, Duration::from_secs(3600)));
    let place = cancellation();
    let mut command = impatient(&place, &server.base_url);
    command.env("FPRECON_REQUEST_TIMEOUT_SECONDS", "3600");
    let report = output(command).expect(1).json();
    assert_eq!(outcome(&report, "unconfirmed"), 1);
}

#[test]
fn row_19_a_sale_whose_answer_dripped_is_asked_again_in_the_same_bytes() {
    let (place, sandbox) = (sales(2), SandboxProcess::start(&["--lead-share", "100"]));
    sandbox.fault(&json!({"action": "drip", "event_id": "in_0001"}));
    let mut command = impatient(&place, &sandbox.base_url);
    command.env("FPRECON_GIVE_UP_AFTER_SECONDS", "20");
    let report = output(command).expect(0).json();
    assert_eq!(outcome(&report, "tracked"), 2);
    let arrivals = sandbox.arrivals();
    assert_eq!(arrivals.len(), 3);
    let bodies = arrivals
        .iter()
        .filter_map(|arrival| arrival["body"].as_str());
    let bodies: Vec<&str> = bodies.filter(|body| body.contains("in_0001")).collect();
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[0], bodies[1]);
    assert_eq!(sandbox.events().len(), 2);
}

#[test]
fn row_20_a_200_without_a_whole_json_object_is_no_success() {
    for fault in [
        json!({"action": "status", "status": 200, "body": ""}),
        json!({"action": "status", "status": 200, "body": "[]"}),
        json!({"action": "status", "status": 200, "body": "\"ok\""}),
        json!({"action": "status", "status": 200, "body": "<html>sorry</html>"}),
        json!({"action": "truncate"}),
        json!({"action": "cut"}),
    ] {
        let (place, sandbox) = (sales(1), SandboxProcess::start(&["--lead-share", "100"]));
        sandbox.fault(&fault);
        let report = output(place.command_to(&sandbox, RUN)).expect(0).json();
        assert_eq!(outcome(&report, "tracked"), 1, "{fault}");
        assert_eq!(sandbox.arrivals().len(), 2, "{fault}: asked again");
        assert_eq!(sandbox.events().len(), 1, "{fault}");
    }
}

#[test]
fn row_21_a_gigabyte_of_body_is_not_read() {
    let written = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&written);
    let server = Server::start(move |_, stream| {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1073741824\r\n\r\n";
        let _ = stream.write_all(head.as_bytes());
        while stream.write_all(&[b' '; 65536]).is_ok() {
            count.fetch_add(65536, Ordering::SeqCst);
        }
    });
    let place = cancellation();
    let report = output(place.command_at(&server.base_url, RUN))
        .expect(1)
        .json();
    assert_eq!(outcome(&report, "unconfirmed"), 1);
    let written = written.load(Ordering::SeqCst);
    // What the sockets of both sides hold may be under way.
    assert!(written < 64 * 1024 * 1024, "{written} bytes were taken");
}

#[test]
fn row_21_a_gzip_bomb_is_not_unpacked() {
    let zeros = vec![b'0'; 32 * 1024 * 1024];
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(&zeros).unwrap();
    let bomb = packer.finish().unwrap();
    assert!(
        bomb.len() < 60 * 1024,
        "it passes the cap of bytes as it is"
    );
    let server = Server::start(move |_, stream| {
        let headers = "content-type: application/json\r\ncontent-encoding: gzip\r\n";
        respond(stream, "400 Bad Request", headers, &bomb);
    });
    let place = sales(1);
    let report = output(place.command_at(&server.base_url, RUN))
        .expect(1)
        .json();
    assert_eq!(outcome(&report, "failed"), 1);
    let requests = server.requests();
    assert!(
        !requests[0].to_lowercase().contains("accept-encoding"),
        "none is asked for"
    );
    let failed = place.read(&format!(
        "{}/failed.csv",
        report["report_dir"].as_str().unwrap()
    ));
    assert!(
        !failed.contains("000000"),
        "what is kept of it is not unpacked"
    );
    assert!(failed.len() < 4096);
}

#[test]
fn row_22_no_redirect_is_followed_in_either_version() {
    let (target, reached) = server(drop);
    for status in [
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary",
        "308 Permanent",
    ] {
        let location = format!("location: http://{target}/api/v1/track/sale\r\n");
        let server = Server::start(move |_, stream| respond(stream, status, &location, b""));
        for version in ["v1", "v2"] {
            let place = sales(1);
            let base_url = server.base_url.replace("/v1", &format!("/{version}"));
            let mut command = impatient(&place, &base_url);
            command
                .env("FPRECON_API", version)
                .env("FPRECON_ACCOUNT_ID", "a-1");
            let report = output(command).expect(5).json();
            assert_eq!(outcome(&report, "not_sent"), 1, "{status} {version}");
        }
        assert!(server.requests().len() >= 2);
    }
    assert_eq!(
        reached.load(Ordering::SeqCst),
        0,
        "nobody connects to where it points"
    );
}

/// A certificate authority of the test's own.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Authority {
            issuer: Issuer::new(params, key),
            pem,
        }
    }
}

struct TlsServer {
    base_url: String,
    connections: Arc<AtomicUsize>,
    /// Requests that could be decrypted.
    requests: Arc<AtomicUsize>,
}

/// A server that proves itself by a certificate for `name`, signed by `authority` or by itself.
fn tls_server(authority: Option<&Authority>, name: &str, expired: bool) -> TlsServer {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(if expired { 2021 } else { 2100 }, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = match authority {
        Some(authority) => params.signed_by(&key, &authority.issuer).unwrap(),
        None => params.self_signed(&key).unwrap(),
    };
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .unwrap();
    let config = Arc::new(config);
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    let (address, connections) = server(move |stream| {
        let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        let mut text = [0; 4096];
        if let Ok(1..) = stream.read(&mut text) {
            counted.fetch_add(1, Ordering::SeqCst);
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
            let answer = format!("{head}content-length: {}\r\n\r\n", TRACKED.len());
            let _ = stream.write_all(&[answer.as_bytes(), TRACKED].concat());
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    TlsServer {
        base_url: format!("https://{address}/api/v1"),
        connections,
        requests,
    }
}

/// A run against a server that can't prove who it is.
#[track_caller]
fn untrusted(server: &TlsServer, ca_pem: &str, why: &str) {
    let place = sales(3);
    place.write("ca.pem", ca_pem);
    place.write("fprecon.toml", "[api]\nca_file = \"ca.pem\"\n");
    let ran = output(place.command_at(&server.base_url, RUN)).expect(5);
    let said = ran.stderr();
    assert!(
        said.contains("can't prove") && said.contains(why),
        "{why}: {said}"
    );
    assert_eq!(outcome(&ran.json(), "not_sent"), 3);
    assert_eq!(server.connections.load(Ordering::SeqCst), 1, "no retry");
    assert_eq!(
        server.requests.load(Ordering::SeqCst),
        0,
        "no byte of a request"
    );
}

#[test]
fn row_23_a_certificate_of_an_authority_in_ca_file_is_trusted() {
    let authority = Authority::new();
    let server = tls_server(Some(&authority), "127.0.0.1", false);
    let place = sales(3);
    place.write("certificates/ca.pem", &authority.pem);
    place.write("fprecon.toml", "[api]\nca_file = \"certificates/ca.pem\"\n");
    let report = output(place.command_at(&server.base_url, RUN))
        .expect(0)
        .json();
    assert_eq!(outcome(&report, "tracked"), 3);
    assert_eq!(server.requests.load(Ordering::SeqCst), 3);
}

#[test]
fn row_23_an_expired_certificate_is_fatal() {
    let authority = Authority::new();
    let server = tls_server(Some(&authority), "127.0.0.1", true);
    untrusted(&server, &authority.pem, "expired");
}

#[test]
fn row_23_a_certificate_for_another_host_is_fatal() {
    let authority = Authority::new();
    let server = tls_server(Some(&authority), "firstpromoter.example", false);
    untrusted(&server, &authority.pem, "not valid for name");
}

#[test]
fn row_23_a_self_signed_certificate_is_fatal() {
    let server = tls_server(None, "127.0.0.1", false);
    untrusted(&server, &Authority::new().pem, "UnknownIssuer");
}

#[test]
fn row_23_a_ca_file_without_certificates_is_refused_before_anything_is_sent() {
    let place = sales(1);
    place.write("ca.pem", "no certificate\n");
    for file in ["ca.pem", "missing.pem"] {
        let mut command = place.command_at("https://127.0.0.1:1/api/v1", RUN);
        let ran = output({
            command.env("FPRECON_CA_FILE", file);
            command
        });
        assert!(ran.expect(3).stderr().contains("certificates"), "{file}");
    }
    for switch in ["--insecure", "--no-verify", "--danger-accept-invalid-certs"] {
        place.run(&["run", "payments.csv", switch]).expect(2);
    }
}

/// Every file of the folder but the key's own that holds the key.
fn files_with(key: &str, folder: &Path, found: &mut Vec<String>) -> usize {
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files += files_with(key, &path, found);
        } else {
            files += 1;
            let bytes = std::fs::read(&path).unwrap();
            let holds = bytes
                .windows(key.len())
                .any(|window| window == key.as_bytes());
            if holds && !path.ends_with("the.key") {
                found.push(path.display().to_string());
            }
        }
    }
    files
}

#[test]
fn row_34_the_key_is_in_no_output_url_file_or_argument_whatever_the_api_does_with_it() {
    // No other test has it, so that no process of theirs does.
    let key = &*format!("fp-secret-key-of-row-34-{}", std::process::id());
    let echo = format!("{{\"message\": \"{key} is no good key\"}}");
    let answers = [
        (
            "200 OK",
            "{\"id\": \"KEY\", \"type\": \"sale\", \"promoter\": {\"email\": \"KEY\"}}",
            0,
        ),
        ("400 Bad Request", &*echo, 1),
        ("401 Unauthorized", &*echo, 4),
        ("500 Internal Server Error", &*echo, 5),
        ("302 Found", &*echo, 5),
        ("200 OK", key, 5),
    ];
    for (status, body, code) in answers {
        for version in ["v1", "v2"] {
            let body = body.replace("KEY", key);
            let arguments = Arc::new(std::sync::Mutex::new(String::new()));
            let seen = Arc::clone(&arguments);
            let headers = format!("x-echo: {key}\r\nlocation: http://127.0.0.1:1/{key}\r\n");
            let server = Server::start(move |_, stream| {
                if let Ok(all) = command_lines() {
                    seen.lock().unwrap().push_str(&all);
                }
                respond(stream, status, &headers, body.as_bytes());
            });
            let place = sales(2);
            place.write("the.key", key);
            let base_url = server.base_url.replace("/v1", &format!("/{version}"));
            let mut command = impatient(&place, &base_url);
            command
                .env_remove("FPRECON_API_KEY")
                .env("FPRECON_API", version)
                .env("FPRECON_ACCOUNT_ID", "a-1")
                .env("RUST_BACKTRACE", "full")
                .env("RUST_LOG", "trace")
                .args(["-v", "--api-key-file", "the.key"]);
            let ran = output(command).expect(code);
            assert!(!ran.stdout().contains(key), "{status}: {}", ran.stdout());
            assert!(!ran.stderr().contains(key), "{status}: {}", ran.stderr());
            for arguments in [
                &["status"][..],
                &["report"],
                &["config"],
                &["config", "--json"],
            ] {
                let ran = place.run(arguments);
                let said = ran.stdout() + &ran.stderr();
                assert!(!said.contains(key), "{arguments:?}: {said}");
            }
            let mut found = Vec::new();
            let files = files_with(key, place.root(), &mut found);
            assert!(files >= 6, "export, key, journal and reports");
            assert!(found.is_empty(), "{status} {version}: {found:?}");
            assert!(!arguments.lock().unwrap().contains(key), "an argument");
            for request in server.requests() {
                assert_eq!(request.matches(key).count(), 1, "once: {request}");
                let line = request.lines().find(|line| line.contains(key)).unwrap();
                let name = line.split(':').next().unwrap().to_lowercase();
                let expected = match version {
                    "v1" => "x-api-key",
                    _ => "authorization",
                };
                assert_eq!(name, expected, "in its header alone");
            }
        }
    }
}

/// The arguments of every process that can be seen.
fn command_lines() -> std::io::Result<String> {
    let mut all = String::new();
    for entry in std::fs::read_dir("/proc")? {
        if let Ok(bytes) = std::fs::read(entry?.path().join("cmdline")) {
            all.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    Ok(all)
}

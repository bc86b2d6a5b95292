//! What the tests of the whole program share: the real binary in a folder of its own, and a real
//! sandbox process, spoken to over HTTP.

pub mod browser;
#[cfg(feature = "object-store")]
pub mod s3_server;
mod sandbox_process;
pub mod strace;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

pub use sandbox_process::SandboxProcess;

/// The key that tests send; it must turn up nowhere.
pub const KEY: &str = "fp-secret-key-0123456789";

/// The folder of real exports, which lies outside of the repository: beside it, or where
/// `FPRECON_SHARED_EXPORTS` says. Where it is not here, that is said.
pub fn real_exports() -> Option<PathBuf> {
    let folder = match std::env::var_os("FPRECON_SHARED_EXPORTS") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/exports"),
    };
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: {} not here", folder.display());
    None
}

/// A folder in memory, where the machine has one with room: the program syncs whatever it writes, and tests
/// would mostly wait for a disk.
fn fast_folder() -> Option<&'static Path> {
    const ROOM_KILOBYTES: u64 = 2 << 20;
    static FOLDER: OnceLock<Option<&Path>> = OnceLock::new();
    *FOLDER.get_or_init(|| {
        let folder = Path::new("/dev/shm");
        let df = Command::new("df").arg("-Pk").arg(folder).output().ok()?;
        let text = String::from_utf8_lossy(&df.stdout).into_owned();
        let free = text.lines().nth(1)?.split_whitespace().nth(3)?;
        (free.parse::<u64>().ok()? >= ROOM_KILOBYTES).then_some(folder)
    })
}

/// The time after which a program hangs: no machine is so busy that one takes that long which ends within seconds.
const HANG: Duration = Duration::from_secs(300);

/// Waits until something holds, and fails the test if it never does.
#[track_caller]
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < HANG, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until so many requests have arrived.
#[track_caller]
pub fn wait_for_arrivals(sandbox: &SandboxProcess, count: usize) {
    wait_until("too few requests arrived", || {
        sandbox.arrivals().len() >= count
    });
}

/// Waits for the end of a program. One that hangs is killed, and fails the test.
#[track_caller]
pub fn end_of(child: Child) -> Ran {
    let id = child.id().to_string();
    let (ended, end) = channel::<()>();
    let watch = std::thread::spawn(move || {
        let is_hanging = end.recv_timeout(HANG) == Err(RecvTimeoutError::Timeout);
        if is_hanging {
            let _ = Command::new("kill").args(["-KILL", &id]).status();
        }
        is_hanging
    });
    let output = child.wait_with_output().unwrap();
    drop(ended);
    assert!(!watch.join().unwrap(), "the program hangs");
    Ran(output)
}

/// A folder of its own, in which the program runs.
pub fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    let status = Command::new("kill").args([name, &pid]).status().unwrap();
    assert!(status.success());
}

/// Opens a journal as somebody does who means to change it: the journal asks for this function, and other programs have
/// none of this name.
pub fn open_to_edit(journal: impl AsRef<Path>) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(journal).unwrap();
    let flags = rusqlite::functions::FunctionFlags::SQLITE_INNOCUOUS;
    connection
        .create_scalar_function("only_fprecon_changes_a_journal", 0, flags, |_| Ok(true))
        .unwrap();
    connection
}

pub struct Place {
    directory: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Place {
            directory: match fast_folder() {
                Some(folder) => tempfile::tempdir_in(folder).unwrap(),
                None => tempfile::tempdir().unwrap(),
            },
        }
    }

    /// A folder from which programs can be started, which not every folder in memory allows.
    pub fn on_disk() -> Self {
        Place {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn root(&self) -> &Path {
        self.directory.path()
    }

    pub fn write(&self, name: &str, text: &str) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The records of a CSV file, with its header first.
    pub fn csv(&self, name: &str) -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_path(self.path(name))
            .unwrap();
        let records = reader.records().map(|record| {
            let record = record.unwrap();
            record.iter().map(str::to_owned).collect()
        });
        records.collect()
    }

    /// The program with nothing of the machine's environment that could change what it does.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fprecon"));
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .env("HOME", self.directory.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran(self.command(arguments).output().unwrap())
    }

    /// The program against a sandbox process, as against a real account.
    pub fn command_to(&self, sandbox: &SandboxProcess, arguments: &[&str]) -> Command {
        self.command_at(&sandbox.base_url, arguments)
    }

    /// The same, in version 2 of the API.
    pub fn command_to_v2(&self, sandbox: &SandboxProcess, arguments: &[&str]) -> Command {
        let mut command = self.command_at(&sandbox.base_url_v2(), arguments);
        command
            .env("FPRECON_API", "v2")
            .env("FPRECON_ACCOUNT_ID", "account-1");
        command
    }

    pub fn run_to_v2(&self, sandbox: &SandboxProcess, arguments: &[&str]) -> Ran {
        Ran(self.command_to_v2(sandbox, arguments).output().unwrap())
    }

    /// The program against whatever listens at a base URL.
    pub fn command_at(&self, base_url: &str, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command
            .env("FPRECON_BASE_URL", base_url)
            .env("FPRECON_WID", "wid-1")
            .env("FPRECON_API_KEY", KEY)
            .env("FPRECON_REQUESTS_PER_MINUTE", "600000");
        command
    }

    pub fn run_to(&self, sandbox: &SandboxProcess, arguments: &[&str]) -> Ran {
        Ran(self.command_to(sandbox, arguments).output().unwrap())
    }

    /// Runs the program on a terminal that can move no line, with what is typed there.
    pub fn run_on_a_terminal(&self, base_url: &str, words: &str, typed: &str) -> Ran {
        let program = env!("CARGO_BIN_EXE_fprecon");
        let variables = [("TERM", "dumb")];
        self.on_a_terminal(&variables, base_url, &format!("{program} {words}"), typed)
    }

    /// Runs the program on a terminal with so many columns, on which lines can move.
    pub fn run_on_a_wide_terminal(&self, columns: usize, base_url: &str, words: &str) -> Ran {
        self.run_on_a_terminal_with(columns, &[("TERM", "xterm")], base_url, words)
    }

    /// Runs the program on a terminal with so many columns and these variables, of which `TERM` is one.
    pub fn run_on_a_terminal_with(
        &self,
        columns: usize,
        variables: &[(&str, &str)],
        base_url: &str,
        words: &str,
    ) -> Ran {
        let program = env!("CARGO_BIN_EXE_fprecon");
        let line = format!("stty rows 24 cols {columns}; {program} {words}");
        self.on_a_terminal(variables, base_url, &line, "")
    }

    fn on_a_terminal(
        &self,
        variables: &[(&str, &str)],
        base_url: &str,
        line: &str,
        typed: &str,
    ) -> Ran {
        let mut child = Command::new("script")
            .args(["-qec", line, "/dev/null"])
            .current_dir(self.root())
            .env_clear()
            .env("HOME", self.root())
            .envs(variables.iter().copied())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs([("FPRECON_BASE_URL", base_url), ("FPRECON_WID", "wid-1")])
            .env("FPRECON_API_KEY", KEY)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // The end of the input would end the terminal.
        let mut keys = child.stdin.take().unwrap();
        keys.write_all(typed.as_bytes()).unwrap();
        let ran = Ran(child.wait_with_output().unwrap());
        drop(keys);
        ran
    }
}

/// What a finished process has said.
pub struct Ran(pub Output);

impl Ran {
    pub fn code(&self) -> i32 {
        self.0.status.code().unwrap_or(-1)
    }

    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    /// Fails the test, with all that was said, unless the exit code is `code`.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code(),
            code,
            "stdout:\n{}\nstderr:\n{}",
            self.stdout(),
            self.stderr()
        );
        self
    }

    /// Fails the test, with all that was said, unless the exit code is one of `codes`.
    #[track_caller]
    pub fn expect_code_one_of(self, codes: &[i32]) -> Self {
        assert!(
            codes.contains(&self.code()),
            "{}\nstdout:\n{}\nstderr:\n{}",
            self.code(),
            self.stdout(),
            self.stderr()
        );
        self
    }

    /// The JSON of a run that ended with one of these exit codes.
    #[track_caller]
    pub fn expect_one_of(&self, codes: &[i32]) -> Value {
        assert!(
            codes.contains(&self.code()),
            "{}\n{}",
            self.code(),
            self.stderr()
        );
        self.json()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.0.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout(), self.stderr()))
    }
}

/// A server of one's own, for answers that the sandbox can't give. It ends with the test.
pub struct Server {
    pub base_url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers every request (head and body, as text) by what `answer` makes of it, and closes.
    pub fn start(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base_url = format!("http://{}/api/v1", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (kept, answer) = (Arc::clone(&requests), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, kept, answer) =
                    (stream.unwrap(), Arc::clone(&kept), Arc::clone(&answer));
                std::thread::spawn(move || {
                    let request = read_request(&mut stream);
                    if !request.is_empty() {
                        kept.lock().unwrap().push(request.clone());
                        answer(&request, &mut stream);
                    }
                });
            }
        });
        Server { base_url, requests }
    }

    /// Every request so far, head and body.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// One request: its head, and as much body as it announces.
pub fn read_request(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => break,
            Ok(n) => text.extend_from_slice(&piece[..n]),
        }
        let so_far = String::from_utf8_lossy(&text).into_owned();
        let Some((head, body)) = so_far.split_once("\r\n\r\n") else {
            continue;
        };
        let announced = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.trim().parse::<usize>().unwrap())
        });
        if body.len() >= announced.unwrap_or(0) {
            break;
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// A whole answer with these headers (each with its line end) and this body.
pub fn respond(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) {
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    // A client that is gone has its reasons.
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body);
}

/// A field of an arrival's form.
pub fn form(arrival: &Value, name: &str) -> Option<String> {
    let body = arrival["body"].as_str().unwrap_or_default();
    form_urlencoded::parse(body.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// The header of a Stripe payments export, as it is by default since 2024.
pub const STRIPE_HEADER: &str = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,Converted Amount Refunded,Converted Currency,Decline Reason,Description,Fee,Refunded date (UTC),Statement Descriptor,Status,Seller Message,Taxes On Fee,Card ID,Customer ID,Customer Description,Customer Email,Invoice ID,Transfer";

/// One payment of a Stripe export.
#[derive(Clone)]
pub struct Payment {
    pub id: String,
    pub created: String,
    pub amount: String,
    pub refunded: String,
    pub refunded_at: String,
    pub currency: String,
    pub captured: String,
    pub status: String,
    pub customer: String,
    pub email: String,
    pub invoice: String,
}

impl Payment {
    /// A paid subscription payment of customer number `customer`.
    pub fn paid(number: u32, customer: u32) -> Self {
        Payment {
            id: format!("ch_{number:04}"),
            created: format!(
                "2026-03-{:02} 10:{:02}:00",
                1 + number / 60 % 28,
                number % 60
            ),
            amount: "20.00".into(),
            refunded: "0.00".into(),
            refunded_at: String::new(),
            currency: "usd".into(),
            captured: "true".into(),
            status: "Paid".into(),
            customer: format!("cus_{customer:04}"),
            email: format!("user{customer}@example.com"),
            invoice: format!("in_{number:04}"),
        }
    }

    pub fn row(&self) -> String {
        let Payment {
            id,
            created,
            amount,
            refunded,
            refunded_at,
            currency,
            captured,
            status,
            customer,
            email,
            invoice,
        } = self;
        format!(
            "{id},{created},{amount},{refunded},{currency},{captured},{amount},{refunded},{currency},,Subscription update,0.88,{refunded_at},EXAMPLE CO,{status},Payment complete.,0.00,pm_1,{customer},,{email},{invoice},po_1"
        )
    }
}

/// A Stripe payments export.
pub fn stripe_export(payments: &[Payment]) -> String {
    let mut text = String::from(STRIPE_HEADER);
    for payment in payments {
        text.push('\n');
        text.push_str(&payment.row());
    }
    text.push('\n');
    text
}

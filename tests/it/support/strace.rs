//! System calls of the real program as `strace` saw them, and the disk that a power loss would have
//! left at any of them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What is traced: all that changes files, puts them on disk, or leaves by a socket.
const CALLS: &str = "trace=openat,creat,lseek,write,writev,pwrite64,pwritev,pwritev2,ftruncate,fallocate,\
    fsync,fdatasync,sync_file_range,rename,renameat,renameat2,link,linkat,unlink,unlinkat,sendto,\
    sendmsg,sendmmsg";

/// Says that a test is left out and why, past the harness, which hides what passing tests print.
/// `FPRECON_REQUIRE_TOOLS=1` makes it a failure.
pub fn skip(why: &str) {
    assert!(
        std::env::var_os("FPRECON_REQUIRE_TOOLS").is_none_or(|value| value != "1"),
        "FPRECON_REQUIRE_TOOLS: {why}"
    );
    let test = std::thread::current().name().unwrap_or("?").to_owned();
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {why}");
}

/// Whether system calls can be traced here; if not, that is said.
pub fn can_trace() -> bool {
    let tried = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "true"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let works = tried.is_ok_and(|status| status.success());
    if !works {
        skip("strace is absent or not permitted");
    }
    works
}

/// The same command, its system calls written to `trace`. `options` come before the program.
pub fn traced(command: &Command, trace: &Path, options: &[&str]) -> Command {
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-qq", "-xx", "-yy", "-s", "1000000", "-e", CALLS])
        .args(options)
        .arg("-o")
        .arg(trace)
        .arg("--")
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .stdin(Stdio::null());
    if let Some(directory) = command.get_current_dir() {
        strace.current_dir(directory);
    }
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            strace.env(name, value);
        }
    }
    strace
}

/// One system call.
#[derive(Debug)]
pub struct Call {
    pub name: String,
    /// What the first argument is open on: a path, or a connection.
    pub target: String,
    /// The texts among the arguments.
    texts: Vec<Vec<u8>>,
    arguments: String,
    /// What it returned; negative for an error.
    pub result: i64,
}

impl Call {
    fn parse(name: &str, arguments: &str, result: i64) -> Call {
        let first = arguments.split(", ").next().unwrap_or_default();
        let target = match (first.find('<'), first.rfind('>')) {
            (Some(from), Some(to)) if from < to => decode(&first[from + 1..to]),
            _ => Vec::new(),
        };
        Call {
            name: name.to_owned(),
            target: String::from_utf8_lossy(&target).into_owned(),
            texts: arguments
                .split('"')
                .skip(1)
                .step_by(2)
                .map(decode)
                .collect(),
            arguments: arguments.to_owned(),
            result,
        }
    }

    fn path(&self, number: usize) -> PathBuf {
        let text = self.texts.get(number).map(Vec::as_slice);
        PathBuf::from(String::from_utf8_lossy(text.unwrap_or_default()).into_owned())
    }

    fn last_argument(&self) -> u64 {
        let last = self.arguments.rsplit(", ").next().unwrap();
        last.parse().unwrap()
    }

    /// Whether it puts something on disk.
    pub fn is_sync(&self) -> bool {
        self.name == "fsync" || self.name == "fdatasync"
    }

    /// The bytes of a request, where this is the beginning of one.
    pub fn request(&self) -> Option<Vec<u8>> {
        let sends = ["write", "writev", "sendto", "sendmsg"].contains(&self.name.as_str());
        let bytes = self.texts.concat();
        (sends && self.target.starts_with("TCP") && bytes.starts_with(b"POST ")).then_some(bytes)
    }
}

/// `\x41\x42` as bytes; anything else as it stands.
fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len() / 4);
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"\\x") && at + 4 <= bytes.len() {
            decoded.push(u8::from_str_radix(&text[at + 2..at + 4], 16).unwrap());
            at += 4;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    decoded
}

/// All calls of a trace, in the order that matters: what leaves stands where it began to, all else
/// where it was done.
pub fn calls(trace: &Path) -> Vec<Call> {
    let text = fs::read_to_string(trace).unwrap();
    let mut started: BTreeMap<&str, (usize, String)> = BTreeMap::new();
    let mut calls: Vec<(usize, Call)> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let Some((process, rest)) = line.split_once(' ') else {
            continue;
        };
        let rest = rest.trim_start();
        if let Some(begun) = rest.strip_suffix(" <unfinished ...>") {
            started.insert(process, (number, begun.to_owned()));
            continue;
        }
        let (entered, whole) = match rest.strip_prefix("<... ") {
            Some(resumed) => {
                let Some((entered, begun)) = started.remove(process) else {
                    continue;
                };
                let end = resumed.split_once(" resumed>").map_or("", |(_, end)| end);
                (entered, begun + end)
            }
            None => (number, rest.to_owned()),
        };
        let Some((call, returned)) = whole.rsplit_once(" = ") else {
            continue;
        };
        let Some((name, arguments)) = call.trim_end().split_once('(') else {
            continue;
        };
        let word = returned.split([' ', '<']).next().unwrap_or_default();
        // A call that a kill cut off returned nothing.
        let Ok(result) = word.parse() else { continue };
        let arguments = arguments.strip_suffix(')').unwrap_or(arguments);
        let call = Call::parse(name, arguments, result);
        let at = if call.request().is_some() {
            entered
        } else {
            number
        };
        calls.push((at, call));
    }
    calls.sort_by_key(|(at, _)| *at);
    calls.into_iter().map(|(_, call)| call).collect()
}

/// A change of a file that is not on disk yet.
#[derive(Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate(usize),
}

impl Change {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Change::Write { offset, bytes } => {
                let end = offset + bytes.len();
                if to.len() < end {
                    to.resize(end, 0);
                }
                to[*offset..end].copy_from_slice(bytes);
            }
            Change::Truncate(length) => to.resize(*length, 0),
        }
    }

    /// What of it a power loss may leave: any of its sectors.
    fn torn(&self, rng: &mut fastrand::Rng) -> Vec<Change> {
        const SECTOR: usize = 512;
        match self {
            Change::Truncate(_) => vec![self.clone()],
            Change::Write { offset, bytes } => {
                let sectors = bytes.chunks(SECTOR).enumerate();
                let kept = sectors.filter(|_| rng.u8(..4) > 0);
                kept.map(|(number, bytes)| Change::Write {
                    offset: offset + number * SECTOR,
                    bytes: bytes.to_vec(),
                })
                .collect()
            }
        }
    }
}

#[derive(Clone, Default)]
struct File {
    /// What programs read.
    seen: Vec<u8>,
    /// What is on disk for certain.
    durable: Vec<u8>,
    /// What was written since.
    pending: Vec<Change>,
    /// Where the next `write` writes.
    position: usize,
}

impl File {
    fn change(&mut self, change: Change) {
        change.apply(&mut self.seen);
        self.pending.push(change);
    }

    fn sync(&mut self, succeeded: bool) {
        for change in self.pending.drain(..) {
            // What a failed sync leaves in memory looks written, and no later sync writes it.
            if succeeded {
                change.apply(&mut self.durable);
            }
        }
    }
}

/// What is left of what was not synced.
pub enum Loss<'r> {
    /// Nothing.
    Everything,
    /// Any part of it, in sectors.
    Some(&'r mut fastrand::Rng),
}

/// A journal's files as they are on disk, rebuilt from the calls that wrote them. Names are on disk
/// when their directory was synced, contents when their file was.
#[derive(Clone)]
pub struct Disk {
    directory: PathBuf,
    files: Vec<File>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
}

/// The names of a journal's files begin like this. Its lock and its shared memory say nothing after
/// a power loss.
const JOURNAL: &str = "fprecon.journal";

fn is_of_journal(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with(JOURNAL) && !name.ends_with("-shm") && !name.ends_with(".lock")
}

impl Disk {
    /// A directory without a journal.
    pub fn empty(directory: &Path) -> Disk {
        Disk {
            directory: directory.canonicalize().unwrap(),
            files: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
        }
    }

    /// The journal's files of a directory as they are, all of it on disk.
    pub fn of(directory: &Path) -> Disk {
        let mut disk = Disk::empty(directory);
        for entry in fs::read_dir(&disk.directory).unwrap() {
            let path = entry.unwrap().path();
            if is_of_journal(&path) {
                let content = fs::read(&path).unwrap();
                disk.names.insert(path, disk.files.len());
                disk.files.push(File {
                    seen: content.clone(),
                    durable: content,
                    ..File::default()
                });
            }
        }
        disk.durable_names = disk.names.clone();
        disk
    }

    fn file(&mut self, path: &Path) -> Option<&mut File> {
        let index = *self.names.get(path)?;
        Some(&mut self.files[index])
    }

    /// Does what a call did; says whether it was about the journal.
    pub fn take(&mut self, call: &Call) -> bool {
        let target = PathBuf::from(&call.target);
        if call.is_sync() && target == self.directory {
            if call.result == 0 {
                self.durable_names = self.names.clone();
            }
            return true;
        }
        let path = match call.name.as_str() {
            "openat" | "creat" | "unlink" | "rename" | "link" => call.path(0),
            "unlinkat" => call.path(0),
            _ => target,
        };
        if path.parent() != Some(&self.directory) || !is_of_journal(&path) {
            return false;
        }
        if call.is_sync() {
            if let Some(file) = self.file(&path) {
                file.sync(call.result == 0);
            }
            return true;
        }
        if call.result < 0 {
            return false;
        }
        match call.name.as_str() {
            "openat" => self.open(&path, &call.arguments),
            "lseek" => {
                let file = self.file(&path).expect("it was opened");
                file.position = usize::try_from(call.result).unwrap();
            }
            "pwrite64" | "write" => {
                let mut bytes = call.texts.concat();
                bytes.truncate(usize::try_from(call.result).unwrap());
                let file = self.file(&path).expect("it was opened");
                let offset = match call.name.as_str() {
                    "write" => file.position,
                    _ => usize::try_from(call.last_argument()).unwrap(),
                };
                file.position = offset + bytes.len();
                file.change(Change::Write { offset, bytes });
            }
            "ftruncate" => {
                let length = usize::try_from(call.last_argument()).unwrap();
                let file = self.file(&path).expect("it was opened");
                file.change(Change::Truncate(length));
            }
            "unlink" | "unlinkat" => {
                self.names.remove(&path);
            }
            "rename" => {
                let index = self.names.remove(&path).expect("it was there");
                self.names.insert(call.path(1), index);
            }
            other => panic!("a call on the journal that is not understood: {other}"),
        }
        true
    }

    fn open(&mut self, path: &Path, arguments: &str) {
        assert!(!arguments.contains("O_TRUNC"), "{arguments}");
        if arguments.contains("O_CREAT") && !self.names.contains_key(path) {
            self.names.insert(path.to_owned(), self.files.len());
            self.files.push(File::default());
        }
    }

    /// Fails unless programs read from the directory what the calls say: then no call was missed.
    #[track_caller]
    pub fn expect_as_seen(&self) {
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(&self.directory).unwrap() {
            let path = entry.unwrap().path();
            if is_of_journal(&path) {
                found.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
        let names: Vec<&PathBuf> = self.names.keys().collect();
        assert_eq!(found.keys().collect::<Vec<_>>(), names);
        for (path, index) in &self.names {
            assert!(found[path] == self.files[*index].seen, "{}", path.display());
        }
    }

    /// Writes into `to` what a power loss would leave now.
    pub fn after_power_loss(&self, to: &Path, mut loss: Loss<'_>) {
        let names_are_kept = match &mut loss {
            Loss::Some(rng) => rng.bool(),
            Loss::Everything => false,
        };
        let names = if names_are_kept {
            &self.names
        } else {
            &self.durable_names
        };
        for (path, index) in names {
            let file = &self.files[*index];
            let mut content = file.durable.clone();
            if let Loss::Some(rng) = &mut loss {
                for change in &file.pending {
                    if rng.bool() {
                        change
                            .torn(rng)
                            .iter()
                            .for_each(|part| part.apply(&mut content));
                    }
                }
            }
            fs::write(to.join(path.file_name().unwrap()), content).unwrap();
        }
    }
}

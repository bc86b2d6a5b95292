//! The driver for the stable toolchain: changes known inputs at random and keeps those that lead somewhere else.
//!
//! `fuzz SECONDS [TARGET...]` runs each target for so long; `fuzz --replay TARGET FILE...` runs files once.
//! `FPRECON_FUZZ_SEED` repeats a run.

use std::collections::HashSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fastrand::Rng;
use fprecon_fuzz::{TARGETS, Target, sound_journal};

/// An input that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(30);
/// Inputs that are kept, and their size.
const KEPT_MOST: usize = 4096;
const LENGTH_MOST: usize = 1 << 16;
/// Changes of one input.
const CHANGES_MOST: usize = 8;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((word, [name, files @ ..])) = arguments.split_first()
        && word == "--replay"
    {
        return replay(name, files);
    }
    let Some(seconds) = arguments.first().and_then(|word| word.parse().ok()) else {
        eprintln!("usage: fuzz SECONDS [TARGET...], or fuzz --replay TARGET FILE...");
        return ExitCode::from(2);
    };
    let named = &arguments[1..];
    if let Some(unknown) = named.iter().find(|name| target(name).is_none()) {
        eprintln!(
            "`{unknown}` is not a target: {}",
            TARGETS.map(|target| target.name).join(", ")
        );
        return ExitCode::from(2);
    }
    let seed = std::env::var("FPRECON_FUZZ_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    println!("FPRECON_FUZZ_SEED={seed} repeats this");
    let mut is_good = true;
    let chosen = TARGETS
        .iter()
        .filter(|target| named.is_empty() || named.iter().any(|name| name == target.name));
    for target in chosen {
        is_good &= Fuzzer::new(target, seed).run(Duration::from_secs(seconds));
    }
    match is_good {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

fn replay(name: &str, files: &[String]) -> ExitCode {
    let Some(target) = target(name) else {
        eprintln!("`{name}` is not a target");
        return ExitCode::from(2);
    };
    for file in files {
        match fs::read(file) {
            Ok(bytes) => println!("{file}: {}", (target.run)(&bytes)),
            Err(error) => {
                eprintln!("{file}: {error}");
                return ExitCode::from(2);
            }
        }
    }
    ExitCode::SUCCESS
}

/// The folder of a target below one of this crate's: `corpus` has inputs to begin with, and those that found
/// something; `found` gets new ones of that kind.
fn folder(of: &str, target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(of)
        .join(target.name)
}

fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> = match fs::read_dir(folder("corpus", target)) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(_) => Vec::new(),
    };
    paths.sort();
    let mut inputs: Vec<Vec<u8>> = paths
        .iter()
        .filter_map(|path| fs::read(path).ok())
        .collect();
    if target.name == "journal" {
        inputs.push(sound_journal());
    }
    if inputs.is_empty() {
        inputs.push(Vec::new());
    }
    inputs
}

/// What is run just now, and since when.
type Current = Arc<Mutex<Option<(Instant, Vec<u8>)>>>;

struct Fuzzer {
    target: &'static Target,
    rng: Rng,
    kept: Vec<Vec<u8>>,
    seen: HashSet<String>,
    current: Current,
}

impl Fuzzer {
    fn new(target: &'static Target, seed: u64) -> Self {
        let current = Current::default();
        watch(target, Arc::clone(&current));
        Fuzzer {
            target,
            rng: Rng::with_seed(seed),
            kept: Vec::new(),
            seen: HashSet::new(),
            current,
        }
    }

    /// Runs the corpus, then what comes of it, for so long. Returns whether nothing was found.
    fn run(mut self, time: Duration) -> bool {
        let (started, mut executions) = (Instant::now(), 0_u64);
        for input in corpus(self.target) {
            executions += 1;
            if !self.execute(input) {
                return false;
            }
        }
        while started.elapsed() < time {
            let input = self.changed();
            executions += 1;
            if !self.execute(input) {
                return false;
            }
        }
        println!(
            "{}: {executions} executions in {} s, {} inputs that differ, nothing found",
            self.target.name,
            started.elapsed().as_secs(),
            self.kept.len()
        );
        true
    }

    fn execute(&mut self, input: Vec<u8>) -> bool {
        *lock(&self.current) = Some((Instant::now(), input.clone()));
        let came = catch_unwind(AssertUnwindSafe(|| (self.target.run)(&input)));
        *lock(&self.current) = None;
        let Ok(came) = came else {
            let path = keep(self.target, &input);
            eprintln!(
                "{}: panicked; `fuzz --replay {0} {}` repeats it",
                self.target.name,
                path.display()
            );
            return false;
        };
        if self.seen.len() < KEPT_MOST && self.seen.insert(came) {
            self.kept.push(input);
        }
        true
    }

    fn changed(&mut self) -> Vec<u8> {
        let place = self.rng.usize(..self.kept.len());
        let mut input = self.kept[place].clone();
        for _ in 0..self.rng.usize(1..=CHANGES_MOST) {
            self.change(&mut input);
        }
        // A journal is larger, and stays whole.
        if self.target.name != "journal" {
            input.truncate(LENGTH_MOST);
        }
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        const ODD: &[u8] = b"\0\x01\x7f\x80\xff\"',;\n\r\t=-+()0 9{}[]\\";
        let rng = &mut self.rng;
        let at = rng.usize(..=input.len());
        let end = (at + rng.usize(..=32)).min(input.len());
        match rng.u8(..9) {
            0 if at < input.len() => input[at] ^= 1 << rng.u8(..8),
            1 if at < input.len() => input[at] = rng.u8(..),
            2 if at < input.len() => input[at] = ODD[rng.usize(..ODD.len())],
            3 => drop(input.drain(at..end)),
            4 => {
                let piece = input[at..end].to_vec();
                input.splice(end..end, piece);
            }
            5 => {
                let word = self.target.words[rng.usize(..self.target.words.len())];
                input.splice(at..at, word.bytes());
            }
            6 => {
                // A piece of another input.
                let other = &self.kept[rng.usize(..self.kept.len())];
                let from = rng.usize(..=other.len());
                let to = (from + rng.usize(..=64)).min(other.len());
                input.splice(at..end, other[from..to].iter().copied());
            }
            7 if !input.is_empty() => {
                // Two of its lines change places.
                let mut lines: Vec<&[u8]> = input.split_inclusive(|byte| *byte == b'\n').collect();
                let (one, other) = (rng.usize(..lines.len()), rng.usize(..lines.len()));
                lines.swap(one, other);
                *input = lines.concat();
            }
            _ => input.truncate(at.max(1)),
        }
    }
}

fn lock(current: &Current) -> std::sync::MutexGuard<'_, Option<(Instant, Vec<u8>)>> {
    current.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the process where an input takes too long.
fn watch(target: &'static Target, current: Current) {
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_secs(1));
            if let Some((since, input)) = &*lock(&current)
                && since.elapsed() > PATIENCE
            {
                let path = keep(target, input);
                eprintln!(
                    "{}: takes longer than {PATIENCE:?}: {}",
                    target.name,
                    path.display()
                );
                std::process::exit(1);
            }
        }
    });
}

fn keep(target: &Target, input: &[u8]) -> PathBuf {
    let folder = folder("found", target);
    let path = folder.join(format!("{:016x}", fastrand::u64(..)));
    let kept = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, input));
    if let Err(error) = kept {
        eprintln!("{} could not be kept: {error}", path.display());
    }
    path
}

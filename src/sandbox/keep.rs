//! The state in a file: every call that changed the account, replayed at the next start.
//!
//! Each call is one line of JSON, written before the answer goes out. It is the memory of a sandbox
//! and not a ledger: no call waits for the disk.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::SandboxError;
use super::account::AccountState;
use super::call::{ApiVersion, CallKind};
use super::moment::Moment;
use super::params::Params;
use crate::private;

/// The first line of the file. Another number means another format.
const HEADER: &str = r#"{"fprecon_sandbox_state":1}"#;

/// A call that changed the account.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct SavedCall<P> {
    api: ApiVersion,
    kind: CallKind,
    at_ms: i64,
    parameters: P,
}

/// The file, locked for as long as this lives.
pub(super) struct Keeper {
    file: File,
    line: Vec<u8>,
}

impl Keeper {
    /// Opens or creates the file, and replays its calls.
    pub(super) fn open(path: &Path, account: &mut AccountState) -> Result<Keeper, SandboxError> {
        let failed = |source| SandboxError::StateFile {
            file: path.to_owned(),
            source,
        };
        let file = private::options()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            let other = io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file");
            return Err(failed(other));
        }
        file.try_lock()
            .map_err(|error| failed(io::Error::from(error)))?;
        let whole = replay(path, &file, account)?;
        // A line that was being written when the sandbox was killed does not count: nobody got its
        // answer.
        file.set_len(whole).map_err(failed)?;
        let mut keeper = Keeper {
            file,
            line: Vec::new(),
        };
        keeper.file.seek(SeekFrom::End(0)).map_err(failed)?;
        if whole == 0 {
            writeln!(keeper.file, "{HEADER}").map_err(failed)?;
        }
        Ok(keeper)
    }

    /// Adds a call.
    pub(super) fn note(
        &mut self,
        version: ApiVersion,
        kind: CallKind,
        at: Moment,
        params: &Params<'_>,
    ) -> io::Result<()> {
        self.line.clear();
        let line = SavedCall {
            api: version,
            kind,
            at_ms: at.as_ms(),
            parameters: params,
        };
        serde_json::to_writer(&mut self.line, &line)?;
        self.line.push(b'\n');
        self.file.write_all(&self.line)
    }
}

/// The greatest length of a line; a call is never that long.
const LINE_BYTES: u64 = 1 << 20;

/// Replays all complete lines and returns the offset where the last of them ends.
fn replay(path: &Path, file: &File, account: &mut AccountState) -> Result<u64, SandboxError> {
    let mut reader = BufReader::new(file);
    let mut line = String::new();
    let mut whole = 0;
    for number in 1_u64.. {
        line.clear();
        let read = reader
            .by_ref()
            .take(LINE_BYTES)
            .read_line(&mut line)
            .map_err(|source| SandboxError::StateFile {
                file: path.to_owned(),
                source,
            })?;
        if read as u64 == LINE_BYTES {
            return Err(SandboxError::StateLine {
                file: PathBuf::from(path),
                line: number,
                message: "it is longer than 1 MiB: this is not a sandbox's state file".to_owned(),
            });
        }
        if !line.ends_with('\n') {
            break;
        }
        whole += u64::try_from(read).unwrap_or_default();
        let done = if number == 1 {
            header(&line)
        } else {
            again(&line, account)
        };
        done.map_err(|message| SandboxError::StateLine {
            file: PathBuf::from(path),
            line: number,
            message,
        })?;
    }
    Ok(whole)
}

fn header(line: &str) -> Result<(), String> {
    if line.trim_end() == HEADER {
        return Ok(());
    }
    Err("this is not a sandbox's state file, or it is of another version".to_owned())
}

fn again(line: &str, account: &mut AccountState) -> Result<(), String> {
    let call: SavedCall<Params<'_>> =
        serde_json::from_str(line).map_err(|error| error.to_string())?;
    let at = Moment::of_ms(call.at_ms);
    account.track(call.api, call.kind, &call.parameters, at);
    Ok(())
}

//! Turns the library's panic on a full disk into an error.
//!
//! `rust_xlsxwriter` panics when it can't write to a sheet's temporary file. That is not a bug of
//! the program, and the existing report has to stay; so that panic, and no other, becomes an error
//! here, and prints nothing.

use std::any::Any;
use std::cell::Cell;
use std::io::{self, ErrorKind, Write};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use rust_xlsxwriter::{Workbook, XlsxError};

/// The start of the library's panic message.
const WRITE_FAILURE: &str = "Couldn't write to xml file";
/// The start of its message where it takes an error of the system for impossible.
const UNWRAPPED: &str = "called `Result::unwrap()` on an `Err` value: Os {";

thread_local! {
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

/// Runs a function that writes to a workbook. After an error the workbook can only be dropped.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, XlsxError>) -> io::Result<T> {
    HOOK.call_once(stay_silent);
    IS_GUARDED.set(true);
    // A state that a panic leaves half done is dropped unread.
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    IS_GUARDED.set(false);
    match done {
        Ok(result) => result.map_err(io_error),
        Err(payload) => match write_failure(payload.as_ref()) {
            Some(error) => Err(error),
            None => panic::resume_unwind(payload),
        },
    }
}

/// Saves a workbook.
pub(super) fn save(workbook: &mut Workbook, file: &mut (impl Write + Send)) -> io::Result<()> {
    let mut writer = FailStopWriter { file, failed: None };
    let saved = guarded(|| workbook.save_to_writer(&mut writer));
    writer.failed.map_or(saved, Err)
}

/// Writes until that fails, and drops the rest: the library would try once more when it is dropped, and print to
/// standard error that it failed again.
struct FailStopWriter<'f, W> {
    file: &'f mut W,
    failed: Option<io::Error>,
}

impl<W: Write> Write for FailStopWriter<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failed.is_none() {
            match self.file.write(bytes) {
                Err(error) if error.kind() != ErrorKind::Interrupted => self.failed = Some(error),
                written => return written,
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.failed {
            None => self.file.flush(),
            Some(_) => Ok(()),
        }
    }
}

fn stay_silent() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !IS_GUARDED.get() || write_failure(info.payload()).is_none() {
            before(info);
        }
    }));
}

/// Returns the error of the system that the library panicked for, if it was one.
fn write_failure(payload: &(dyn Any + Send)) -> Option<io::Error> {
    let message = payload.downcast_ref::<String>()?;
    let is_unwrapped = message.starts_with(UNWRAPPED);
    let cause = message.strip_prefix(WRITE_FAILURE);
    let code = message
        .split_once("Os { code: ")
        .map(|(_, rest)| rest)
        .and_then(|rest| rest.split(',').next()?.parse().ok());
    match (code, cause) {
        (Some(code), cause) if is_unwrapped || cause.is_some() => {
            Some(io::Error::from_raw_os_error(code))
        }
        (_, cause) => Some(io::Error::other(cause?.trim_start_matches(": ").to_owned())),
    }
}

fn io_error(error: XlsxError) -> io::Error {
    match error {
        XlsxError::IoError(error) | XlsxError::TempFileError(_, error) => error,
        other => io::Error::other(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "a fault")]
    fn a_fault_stays_a_fault() {
        let _ = guarded::<()>(|| panic!("a fault"));
    }

    #[test]
    fn an_error_of_the_system_that_the_library_unwraps_is_that_error() {
        let full = || Err::<(), _>(io::Error::from_raw_os_error(28));
        let error = guarded(|| {
            full().unwrap();
            Ok(())
        });
        assert_eq!(error.unwrap_err().raw_os_error(), Some(28));
        let error = guarded::<()>(|| panic!("{WRITE_FAILURE}: {:?}", full().unwrap_err()));
        assert_eq!(error.unwrap_err().raw_os_error(), Some(28));
    }

    #[test]
    fn a_write_that_failed_is_an_error() {
        let full: Result<(), io::Error> = Err(io::ErrorKind::StorageFull.into());
        let error = guarded(|| {
            full.map_err(|error| format!("{WRITE_FAILURE}: {error:?}"))
                .unwrap_or_else(|message| panic!("{message}"));
            Ok(())
        });
        assert!(error.unwrap_err().to_string().contains("StorageFull"));
    }

    /// A writer with room for some bytes.
    struct Small {
        room: usize,
        refusals: usize,
    }

    impl Write for Small {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.room);
            self.room -= taken;
            if taken == 0 {
                self.refusals += 1;
                return Err(io::ErrorKind::StorageFull.into());
            }
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_workbook_without_room_is_an_error_and_is_not_tried_again() {
        for room in (0..3_000).step_by(250) {
            let mut workbook = Workbook::new();
            workbook.add_worksheet();
            let mut file = Small { room, refusals: 0 };
            let error = save(&mut workbook, &mut file).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{room}");
            assert_eq!(file.refusals, 1, "{room}");
        }
    }
}

//! Unpacks gzip and zstd streams of any number of parts while they are read.
//!
//! Only a window of the data is in memory, and the unpacked size is limited by a [`Budget`].

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Mutex;

use flate2::bufread::GzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::error::Fault;
use super::source::{HashingReader, Peeked};

/// The greatest unpacked size of one file, all members of a zip together, in bytes.
const UNPACKED_MOST_BYTES: u64 = 64 * 1024 * 1024 * 1024;
/// The unpacked size, in bytes, below which the compression ratio is not checked.
const UNPACKED_FREE_BYTES: u64 = 64 * 1024 * 1024;
/// The greatest number of bytes from one packed byte. Exports have 5 to 30.
const RATIO_MOST: u64 = 200;
/// The largest window of a zstd frame, and so the greatest memory for it, in bytes.
const ZSTD_WINDOW_MOST_BYTES: u64 = 128 * 1024 * 1024;

/// The compression format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Zstd,
    Zip,
}

/// The byte with which each part of a gzip file begins.
const GZIP_FIRST_BYTE: u8 = 0x1F;

impl Packing {
    /// Recognises the format from the first bytes of a file.
    pub(super) fn from_head(head: &[u8]) -> Option<Packing> {
        match head {
            [0x1F, 0x8B, ..] => Some(Packing::Gzip),
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Some(Packing::Zstd),
            // A skippable frame, which may be the first of a zstd file.
            [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Some(Packing::Zstd),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Packing::Zip),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Packing::Gzip => "gzip",
            Packing::Zstd => "zstd",
            Packing::Zip => "zip",
        }
    }
}

/// The number of bytes that may still come out of a file. The members of a zip share it.
pub(super) struct Budget {
    most_bytes: u64,
    free_bytes: u64,
    unpacked: Mutex<u64>,
}

impl Default for Budget {
    fn default() -> Self {
        Budget {
            most_bytes: UNPACKED_MOST_BYTES,
            free_bytes: UNPACKED_FREE_BYTES,
            unpacked: Mutex::new(0),
        }
    }
}

impl Budget {
    #[cfg(test)]
    pub(super) fn new(most_bytes: u64, free_bytes: u64) -> Self {
        Budget {
            most_bytes,
            free_bytes,
            unpacked: Mutex::new(0),
        }
    }

    /// Counts unpacked bytes of a file, of which `packed_bytes` have been read.
    pub(super) fn take(&self, bytes: usize, packed_bytes: u64) -> Result<(), Fault> {
        let mut unpacked = match self.unpacked.lock() {
            Ok(unpacked) => unpacked,
            Err(poisoned) => poisoned.into_inner(),
        };
        *unpacked += bytes as u64;
        if *unpacked > self.most_bytes {
            return Err(Fault::UnpackedTooLarge {
                most_bytes: self.most_bytes,
            });
        }
        if *unpacked > self.free_bytes && *unpacked / RATIO_MOST > packed_bytes {
            return Err(Fault::PackedTooTightly { most: RATIO_MOST });
        }
        Ok(())
    }
}

/// A reader of a file's bytes, unpacked if they were packed.
pub(super) struct Unpacked {
    form: Unpacker,
    budget: Budget,
}

enum Unpacker {
    Plain(Box<Peeked<HashingReader>>),
    Gzip(Box<Gzip>),
    Zstd(Box<Zstd>),
}

impl Unpacked {
    pub(super) fn new(
        source: Peeked<HashingReader>,
        packing: Option<Packing>,
        budget: Budget,
    ) -> Self {
        let form = match packing {
            Some(Packing::Gzip) => Unpacker::Gzip(Box::new(Gzip::new(source))),
            Some(Packing::Zstd) => Unpacker::Zstd(Box::new(Zstd::new(source))),
            Some(Packing::Zip) | None => Unpacker::Plain(Box::new(source)),
        };
        Unpacked { form, budget }
    }

    /// Returns the file as it is stored.
    pub(super) fn source(&self) -> &HashingReader {
        match &self.form {
            Unpacker::Plain(source) => source.inner(),
            Unpacker::Gzip(gzip) => gzip.part.get_ref().get_ref().inner(),
            Unpacker::Zstd(zstd) => zstd.input.get_ref().inner(),
        }
    }

    fn source_mut(&mut self) -> &mut HashingReader {
        match &mut self.form {
            Unpacker::Plain(source) => source.inner_mut(),
            Unpacker::Gzip(gzip) => gzip.part.get_mut().get_mut().inner_mut(),
            Unpacker::Zstd(zstd) => zstd.input.get_mut().inner_mut(),
        }
    }

    fn fault(&mut self, error: io::Error) -> Fault {
        if let Some(failure) = self.source_mut().take_failure() {
            return failure;
        }
        let error = match error.downcast::<Fault>() {
            Ok(fault) => return fault,
            Err(error) => error,
        };
        let packing = match &self.form {
            Unpacker::Plain(_) => return Fault::from(error),
            Unpacker::Gzip(_) => Packing::Gzip.name(),
            Unpacker::Zstd(_) => Packing::Zstd.name(),
        };
        if self.source().is_at_end() {
            Fault::PackedCutOff(packing)
        } else {
            Fault::PackedDamaged(packing)
        }
    }
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = match &mut self.form {
            Unpacker::Plain(source) => source.read(buffer),
            Unpacker::Gzip(gzip) => gzip.read(buffer),
            Unpacker::Zstd(zstd) => zstd.read(buffer),
        };
        let read = result.map_err(|error| self.fault(error))?;
        if !matches!(self.form, Unpacker::Plain(_)) {
            self.budget.take(read, self.source().bytes())?;
        }
        Ok(read)
    }
}

/// A reader of the parts of a gzip file. Zeros after the last part are padding, which tapes and
/// some servers write.
struct Gzip {
    part: GzDecoder<BufReader<Peeked<HashingReader>>>,
    is_at_end: bool,
}

impl Gzip {
    fn new(source: Peeked<HashingReader>) -> Self {
        Gzip {
            part: GzDecoder::new(BufReader::new(source)),
            is_at_end: false,
        }
    }

    /// Starts the next part; returns `false` if there is none.
    fn begin_part(&mut self) -> io::Result<bool> {
        let input = self.part.get_mut();
        match input.fill_buf()?.first() {
            None => Ok(false),
            Some(0) => {
                while !input.fill_buf()?.is_empty() {
                    let bytes = input.buffer();
                    if bytes.iter().any(|byte| *byte != 0) {
                        return Err(io::ErrorKind::InvalidData.into());
                    }
                    let bytes = bytes.len();
                    input.consume(bytes);
                }
                Ok(false)
            }
            Some(&GZIP_FIRST_BYTE) => {
                let nothing = Peeked::new(HashingReader::new(Box::new(io::empty())));
                let input = self.part.reset(BufReader::new(nothing));
                self.part.reset(input);
                Ok(true)
            }
            Some(_) => Err(Fault::PackedFollowed("gzip").into()),
        }
    }
}

impl Read for Gzip {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.is_at_end && !buffer.is_empty() {
            let read = self.part.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            self.is_at_end = !self.begin_part()?;
        }
        Ok(0)
    }
}

/// A reader of the frames of a zstd file; the size and the checksum of each are checked.
struct Zstd {
    input: BufReader<Peeked<HashingReader>>,
    decoder: FrameDecoder,
    is_in_frame: bool,
    frame_bytes: u64,
}

impl Zstd {
    fn new(source: Peeked<HashingReader>) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(ZSTD_WINDOW_MOST_BYTES);
        Zstd {
            input: BufReader::new(source),
            decoder,
            is_in_frame: false,
            frame_bytes: 0,
        }
    }

    /// Starts the next frame with content; returns `false` if there is none.
    fn begin_frame(&mut self) -> io::Result<bool> {
        while !self.input.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.input) {
                Ok(()) => {
                    self.is_in_frame = true;
                    self.frame_bytes = 0;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let mut skipped = self.input.by_ref().take(length.into());
                    if io::copy(&mut skipped, &mut io::sink())? < u64::from(length) {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(FrameDecoderError::WindowSizeTooBig { .. }) => {
                    return Err(Fault::WindowTooLarge {
                        most_bytes: ZSTD_WINDOW_MOST_BYTES,
                    }
                    .into());
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(false)
    }

    /// Checks a complete frame, which the decoder leaves to its caller.
    fn end_frame(&mut self) -> io::Result<()> {
        self.is_in_frame = false;
        let size = self.decoder.content_size();
        let checksum = self.decoder.get_checksum_from_data();
        let is_whole = size == 0 || size == self.frame_bytes;
        let is_right = checksum.is_none() || checksum == self.decoder.get_calculated_checksum();
        if is_whole && is_right {
            Ok(())
        } else {
            Err(io::ErrorKind::InvalidData.into())
        }
    }
}

impl Read for Zstd {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.is_in_frame && !self.begin_frame()? {
                return Ok(0);
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder
                    .decode_blocks(&mut self.input, one)
                    .map_err(io::Error::other)?;
            }
            let read = self.decoder.read(buffer)?;
            self.frame_bytes += read as u64;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            self.end_frame()?;
        }
    }
}

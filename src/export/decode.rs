//! Decodes text in other encodings into UTF-8 while it is read.
//!
//! Decoding is strict: bytes that are not valid in the encoding end the text with a fault. Line
//! ends are not changed, so that line numbers are those of the file.

use std::io::{self, Read};

use super::error::Fault;

/// The number of bytes that are decoded at once.
const CHUNK_BYTES: usize = 32 * 1024;

/// The characters of the bytes 0x80 to 0x9F in Windows-1252; NUL for bytes that are not defined.
const WINDOWS_1252: [char; 32] = [
    '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘',
    '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
];

/// An encoding that can be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    Utf16Le,
    Utf16Be,
    Windows1252,
}

/// A reader that turns bytes into UTF-8.
pub(super) struct Decoder<R> {
    inner: R,
    codec: Codec,
    raw: Box<[u8]>,
    /// The number of bytes at the front of `raw` that are an incomplete character.
    kept: usize,
    text: Vec<u8>,
    /// The number of bytes of `text` that have been returned.
    given: usize,
    end: Option<InputEnd>,
    letters: Letters,
}

/// What a text that was declared as Windows-1252 has turned out to be. Letters of Windows-1252 are hardly ever
/// those of UTF-8 by chance: each would have to be followed by one to three signs of certain kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Letters {
    /// So far, it is the same in both.
    Open,
    Windows1252,
    Utf8,
}

enum InputEnd {
    Text,
    /// An error that is returned once.
    Error(Option<io::Error>),
}

impl<R: Read> Decoder<R> {
    pub(super) fn new(inner: R, codec: Codec) -> Self {
        Decoder {
            inner,
            codec,
            raw: vec![0; CHUNK_BYTES].into_boxed_slice(),
            kept: 0,
            text: Vec::with_capacity(CHUNK_BYTES * 3),
            given: 0,
            end: None,
            letters: Letters::Open,
        }
    }

    /// Returns `true` if the text was declared as Windows-1252 and is read as UTF-8, which it is.
    pub(super) fn is_utf_8_after_all(&self) -> bool {
        self.letters == Letters::Utf8
    }

    pub(super) fn inner(&self) -> &R {
        &self.inner
    }

    /// Decodes the next chunk into `text`, whose content has been returned.
    fn decode_chunk(&mut self) {
        self.text.clear();
        self.given = 0;
        let read = match self.inner.read(&mut self.raw[self.kept..]) {
            Ok(read) => read,
            Err(error) => {
                self.end = Some(InputEnd::Error(Some(error)));
                return;
            }
        };
        let bytes = &self.raw[..self.kept + read];
        let decoded = match (read, self.kept) {
            (0, 0) => {
                self.end = Some(InputEnd::Text);
                return;
            }
            _ => match self.codec {
                Codec::Windows1252 => {
                    self.letters.settle(bytes, read == 0);
                    self.letters.decode(bytes, &mut self.text)
                }
                Codec::Utf16Le | Codec::Utf16Be if read == 0 => Err(Fault::NotUtf16),
                Codec::Utf16Le => utf_16(bytes, u16::from_le_bytes, &mut self.text),
                Codec::Utf16Be => utf_16(bytes, u16::from_be_bytes, &mut self.text),
            },
        };
        match decoded {
            Ok(used) => {
                let len = bytes.len();
                self.raw.copy_within(used..len, 0);
                self.kept = len - used;
            }
            Err(fault) => self.end = Some(InputEnd::Error(Some(fault.into()))),
        }
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.given < self.text.len() {
                let read = (&self.text[self.given..]).read(buffer)?;
                self.given += read;
                return Ok(read);
            }
            match &mut self.end {
                None => self.decode_chunk(),
                Some(InputEnd::Text) => return Ok(0),
                Some(InputEnd::Error(error)) => {
                    return Err(error.take().unwrap_or_else(|| Fault::AlreadyFailed.into()));
                }
            }
        }
    }
}

impl Letters {
    /// Decides by the next bytes which letters the text has, if they have any that show it.
    fn settle(&mut self, bytes: &[u8], at_end: bool) {
        if *self != Letters::Open || bytes.is_ascii() {
            return;
        }
        *self = match std::str::from_utf8(bytes) {
            Ok(_) => Letters::Utf8,
            // The first letter decides.
            Err(error) if !bytes[..error.valid_up_to()].is_ascii() => Letters::Utf8,
            // What comes next completes it, or does not.
            Err(error) if error.error_len().is_none() && !at_end => return,
            Err(_) => Letters::Windows1252,
        };
    }

    /// Decodes the letters that are complete, and returns the number of their bytes.
    fn decode(self, bytes: &[u8], text: &mut Vec<u8>) -> Result<usize, Fault> {
        let valid = match std::str::from_utf8(bytes) {
            _ if self == Letters::Windows1252 => return windows_1252(bytes, text),
            Ok(_) => bytes.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(error) => {
                let valid = error.valid_up_to();
                text.extend_from_slice(&bytes[..valid]);
                return Err(Fault::EncodingsMixed { byte: bytes[valid] });
            }
        };
        text.extend_from_slice(&bytes[..valid]);
        Ok(valid)
    }
}

/// Decodes complete characters, and returns the number of their bytes.
fn utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16, text: &mut Vec<u8>) -> Result<usize, Fault> {
    let unit_at = |at: usize| Some(unit([*bytes.get(at)?, *bytes.get(at + 1)?]));
    let mut at = 0;
    while let Some(first) = unit_at(at) {
        let mut pair = [first, 0];
        let units = match first {
            0xD800..0xDC00 => match unit_at(at + 2) {
                Some(second) => {
                    pair[1] = second;
                    2
                }
                None => return Ok(at),
            },
            _ => 1,
        };
        for c in char::decode_utf16(pair[..units].iter().copied()) {
            push(c.map_err(|_| Fault::NotUtf16)?, text);
        }
        at += units * 2;
    }
    Ok(at)
}

fn windows_1252(bytes: &[u8], text: &mut Vec<u8>) -> Result<usize, Fault> {
    for &byte in bytes {
        let c = match byte {
            0x80..0xA0 => WINDOWS_1252[usize::from(byte - 0x80)],
            _ => char::from(byte),
        };
        if c == '\0' && byte != 0 {
            return Err(Fault::NotWindows1252 { byte });
        }
        push(c, text);
    }
    Ok(bytes.len())
}

fn push(c: char, text: &mut Vec<u8>) {
    text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use proptest::prelude::*;

    /// A reader that returns bytes in pieces of one size.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let size = self.1.min(buffer.len());
            self.0.read(&mut buffer[..size])
        }
    }

    /// Returns the text, and the error that ended it.
    fn decode(bytes: &[u8], codec: Codec, piece: usize) -> (String, Option<String>) {
        let mut decoder = Decoder::new(Pieces(bytes, piece), codec);
        let mut text = Vec::new();
        let mut buffer = [0; 7];
        loop {
            match decoder.read(&mut buffer) {
                Ok(0) => return (String::from_utf8(text).unwrap(), None),
                Ok(read) => text.extend_from_slice(&buffer[..read]),
                Err(error) => {
                    assert!(
                        decoder.read(&mut buffer).is_err(),
                        "an error is not the end"
                    );
                    return (String::from_utf8(text).unwrap(), Some(error.to_string()));
                }
            }
        }
    }

    #[test]
    fn windows_1252_is_what_it_is_on_windows() {
        let (text, error) = decode(b"\x80 M\xFCller \x96 \x9F\xA0\xFF", Codec::Windows1252, 3);
        assert_eq!((text.as_str(), error), ("€ Müller – Ÿ\u{A0}ÿ", None));
        let undefined: Vec<u8> = (0..=255)
            .filter(|&byte| decode(&[byte], Codec::Windows1252, 1).1.is_some())
            .collect();
        assert_eq!(undefined, [0x81, 0x8D, 0x8F, 0x90, 0x9D]);
    }

    #[test]
    fn utf_8_that_was_declared_as_windows_1252_is_read_as_it_is() {
        let text = "id,M\u{fc}ller \u{20ac} \u{1f600}".repeat(3);
        for piece in [1, 2, 3, 7, 1000] {
            let mut decoder = Decoder::new(Pieces(text.as_bytes(), piece), Codec::Windows1252);
            let mut read = String::new();
            decoder.read_to_string(&mut read).unwrap();
            assert_eq!(read, text, "{piece}");
            assert!(decoder.is_utf_8_after_all());
            let mixed = [text.as_bytes(), b" M\xFCller"].concat();
            let (read, error) = decode(&mixed, Codec::Windows1252, piece);
            assert_eq!(read, format!("{text} M"));
            let message = "the byte 0xFC is not valid UTF-8, and the letters before it are";
            assert_eq!(error.as_deref(), Some(message));
        }
        let (read, error) = decode(b"a\xC3", Codec::Windows1252, 1);
        assert_eq!((read.as_str(), error), ("a\u{c3}", None));
    }

    proptest! {
        #[test]
        fn utf_16_is_decoded_as_by_the_standard_library(
            units in prop::collection::vec(prop_oneof![
                3 => any::<u16>(), 1 => 0xD800_u16..0xDC00, 1 => 0xDC00_u16..0xE000, 5 => 0_u16..0x300,
            ], 0..40),
            odd in any::<bool>(),
            big in any::<bool>(),
            piece in 1_usize..9,
        ) {
            let mut bytes: Vec<u8> = units
                .iter()
                .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
                .collect();
            if odd {
                bytes.push(b'x');
            }
            let codec = if big { Codec::Utf16Be } else { Codec::Utf16Le };
            let (text, error) = decode(&bytes, codec, piece);
            let mut expected = String::new();
            let mut broken = odd;
            for c in char::decode_utf16(units) {
                match c {
                    Ok(c) => expected.push(c),
                    Err(_) => {
                        broken = true;
                        break;
                    }
                }
            }
            prop_assert_eq!(error.is_some(), broken);
            prop_assert_eq!(text, expected);
        }
    }
}

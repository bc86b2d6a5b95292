//! Writes and reads the details of a packed event.

use super::packed::{RecordReader, write_number, write_signed};
use super::{DETAIL_COUNT, DetailSlot, DetailValue, Details, Text};

// Each detail has a bit.
const _: () = assert!(DETAIL_COUNT <= u16::BITS as usize);

/// Writes which details there are, and their values.
pub(super) fn write(record: &mut Vec<u8>, details: &Details) {
    let values = details.values();
    let has = (0..).zip(&values).fold(0_u16, |has, (bit, value)| {
        has | u16::from(value.is_some()) << bit
    });
    record.extend_from_slice(&has.to_le_bytes());
    for value in values.into_iter().flatten() {
        match value {
            DetailValue::Text(text) => {
                write_number(record, text.len() as u64);
                record.extend_from_slice(text.as_bytes());
            }
            DetailValue::Count(count) => write_number(record, count.into()),
            DetailValue::Cents(cents) => write_signed(record, cents),
        }
    }
}

/// Returns the details that begin here.
pub(super) fn read(record: &[u8]) -> Details {
    read_on(&mut RecordReader(record))
}

/// Reads the details that begin here, and goes on behind them.
pub(super) fn read_on(from: &mut RecordReader<'_>) -> Details {
    let has = from.flags();
    let mut details = Details::default();
    for (bit, slot) in (0..).zip(details.slots()) {
        if has & 1 << bit == 0 {
            continue;
        }
        match slot {
            DetailSlot::Text(text) => {
                let bytes = from.number() as usize;
                *text = Some(Text::new(from.text(bytes)));
            }
            DetailSlot::Count(count) => *count = Some(from.number() as u32),
            DetailSlot::Cents(cents) => *cents = Some(from.signed()),
        }
    }
    details
}

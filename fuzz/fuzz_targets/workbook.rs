#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fprecon_fuzz::workbook(bytes);
});

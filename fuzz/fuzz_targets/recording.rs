//! A recording of any format: CSV, EDF, BDF, XDF or a capture, compressed or not. What is read is
//! held against what readers promise.

#![no_main]

use cortop_files::{reader, row::Row};
use cortop_protocol::Stream;
use libfuzzer_sys::fuzz_target;

/// Rows of a file that are read: decompressed, a small one may have any number.
const ROWS: usize = 20_000;

fuzz_target!(|bytes: &[u8]| {
    let path = cortop_fuzz::folder_with("recording.csv", bytes).join("recording.csv");
    let Ok(mut reader) = reader::open(&path) else { return };
    let channels = reader.info().header.labels_of(Stream::Eeg).count();
    let mut row = Row::default();
    for _ in 0..ROWS {
        match reader.next_row(&mut row) {
            Ok(true) => assert!(row.eeg.is_empty() || row.eeg.len() == channels),
            Ok(false) | Err(_) => break,
        }
    }
    let _ = (reader.counts(), reader.progress());
});

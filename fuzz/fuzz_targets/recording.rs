//! A recording of any format: CSV, EDF, BDF, XDF or a capture, compressed or not. What is read is
//! held against what readers promise.

#![no_main]

use std::time::{Duration, Instant};

use cortop_files::{reader, row::Row};
use cortop_protocol::Stream;
use libfuzzer_sys::{Corpus, fuzz_target};

/// Rows of a file that are read: decompressed, a small one may have any number.
const ROWS: usize = 20_000;

/// What takes longer, mostly for being much larger once it is decompressed, is judged as everything else, but
/// others are not made from it: all that are would be as slow.
const SLOW: Duration = Duration::from_millis(2);

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let began = Instant::now();
    let path = cortop_fuzz::folder_with("recording.csv", bytes).join("recording.csv");
    if let Ok(mut reader) = reader::open(&path) {
        let channels = reader.info().header.labels_of(Stream::Eeg).count();
        let mut row = Row::default();
        for _ in 0..ROWS {
            match reader.next_row(&mut row) {
                Ok(true) => assert!(row.eeg.is_empty() || row.eeg.len() == channels),
                Ok(false) | Err(_) => break,
            }
        }
        let _ = reader.counts();
    }
    if began.elapsed() > SLOW { Corpus::Reject } else { Corpus::Keep }
});

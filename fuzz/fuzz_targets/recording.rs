//! A recording of any format: CSV, EDF, BDF, XDF or a capture, compressed or not. What is read is checked
//! against the guarantees of readers.

#![no_main]

use std::time::{Duration, Instant};

use cortop_files::{reader, row::Row};
use cortop_protocol::Stream;
use libfuzzer_sys::{Corpus, fuzz_target};

/// Maximum number of rows read: decompressed, a small file may have any number.
const ROWS: usize = 20_000;

/// An input that takes longer, mostly because it is much larger once decompressed, is checked like any other,
/// but not mutated further: its variants would be just as slow.
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

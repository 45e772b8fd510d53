//! What all readers of recordings have in common: what a recording says of itself, its rows one by one,
//! and why nothing of a file can be used.

use std::{
    io,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::{
    header::Header,
    row::{ReadCounts, Row},
};

/// The path that stands for standard input.
pub const STDIN: &str = "-";

/// What a recording says of itself.
#[derive(Debug, Default)]
pub struct RecordingInfo {
    /// Its columns.
    pub header: Header,
    /// The headset: its type as in the prefix of an id, its serial number, its firmware.
    pub headset_type: Option<String>,
    /// See above.
    pub serial: Option<String>,
    /// See above.
    pub firmware: Option<String>,
    /// Samples a second of EEG and of motion, if it says.
    pub eeg_rate: Option<f64>,
    /// See above.
    pub motion_rate: Option<f64>,
    /// It can be read only once: standard input, or a pipe.
    pub once: bool,
    /// Sentences about what is assumed or left out.
    pub notes: Vec<String>,
}

/// Yields the rows of a recording.
pub trait RecordingReader: Send {
    /// What the recording says of itself.
    fn info(&self) -> &RecordingInfo;

    /// Reads the next row; `false` after the last.
    ///
    /// # Errors
    /// The rest of the file cannot be read.
    fn next_row(&mut self, row: &mut Row) -> io::Result<bool>;

    /// What has been read so far.
    fn counts(&self) -> &ReadCounts;

    /// What was left out so far and is in no count, a sentence each, without its full stop.
    fn left_out(&self) -> Vec<String> {
        Vec::new()
    }
}

/// How far the reading of a file is, for whoever shows that meanwhile.
#[derive(Debug, Default)]
pub struct ReadProgress {
    /// Bytes of the file, 0 where that is not known, and those read of it, before they are decompressed.
    pub(crate) size: AtomicU64,
    pub(crate) read: AtomicU64,
}

impl ReadProgress {
    /// The share of the file that has been read, 0..1, where its size is known.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        let size = Some(self.size.load(Ordering::Relaxed)).filter(|size| *size > 0)?;
        Some(self.read.load(Ordering::Relaxed) as f64 / size as f64)
    }
}

/// Why nothing of a file can be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be read.
    #[error("{name} cannot be read: {error}; {}", next_step(error))]
    Unreadable {
        /// The file.
        name: String,
        /// Why.
        error: io::Error,
    },
    /// There is nothing in it.
    #[error("{0} is empty; give a recording: CSV, EDF, BDF, XDF or a capture")]
    Empty(String),
    /// It holds nothing that could be played.
    #[error("{name}: {what}")]
    Unusable {
        /// The file.
        name: String,
        /// What is missing, and the next step.
        what: String,
    },
}

impl OpenError {
    pub(crate) fn unusable(name: &str, what: impl Into<String>) -> Self {
        Self::Unusable { name: name.to_owned(), what: what.into() }
    }
}

/// What to do about an error: what stands in the file, or the file itself.
fn next_step(error: &io::Error) -> &'static str {
    let is_damaged = matches!(error.kind(), io::ErrorKind::Other | io::ErrorKind::UnexpectedEof);
    if is_damaged { "copy or export it again" } else { "check the path" }
}

/// What messages call a recording.
#[must_use]
pub fn display_name(path: &Path) -> String {
    if path.as_os_str() == STDIN { "standard input".to_owned() } else { path.display().to_string() }
}

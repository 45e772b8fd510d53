//! What all readers of recordings have in common: the metadata of a recording, its rows one by one,
//! and why a file cannot be used at all.

use std::{
    io,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::{
    header::Header,
    row::{ReadCounts, Row},
};

/// The path that denotes standard input.
pub const STDIN: &str = "-";

/// The metadata of a recording.
#[derive(Debug, Default)]
pub struct RecordingInfo {
    /// Its columns.
    pub header: Header,
    /// The headset: its type as in the prefix of an id, its serial number, its firmware.
    pub headset_type: Option<String>,
    /// See `headset_type`.
    pub serial: Option<String>,
    /// See `headset_type`.
    pub firmware: Option<String>,
    /// EEG and motion samples per second, if given.
    pub eeg_rate: Option<f64>,
    /// See `eeg_rate`.
    pub motion_rate: Option<f64>,
    /// Whether it can be read only once: standard input, or a pipe.
    pub once: bool,
    /// Sentences about what was assumed or left out.
    pub notes: Vec<String>,
}

/// Returns the rows of a recording.
pub trait RecordingReader: Send {
    /// The metadata of the recording.
    fn info(&self) -> &RecordingInfo;

    /// Reads the next row; `false` after the last.
    ///
    /// # Errors
    /// The rest of the file cannot be read.
    fn next_row(&mut self, row: &mut Row) -> io::Result<bool>;

    /// Statistics of what has been read so far.
    fn counts(&self) -> &ReadCounts;

    /// What was left out so far without being counted elsewhere, one sentence each, without the
    /// full stop.
    fn left_out(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The progress of reading a file, shared with whoever displays it.
#[derive(Debug, Default)]
pub struct ReadProgress {
    /// Size of the file in bytes, 0 if unknown, and how many of them were read, before
    /// decompression.
    pub(crate) size: AtomicU64,
    pub(crate) read: AtomicU64,
}

impl ReadProgress {
    /// The share of the file that has been read, 0..1, if its size is known.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        let size = Some(self.size.load(Ordering::Relaxed)).filter(|size| *size > 0)?;
        Some(self.read.load(Ordering::Relaxed) as f64 / size as f64)
    }
}

/// Why a file cannot be used at all.
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
    /// It is empty.
    #[error("{0} is empty; give a recording: CSV, EDF, BDF, XDF or a capture")]
    Empty(String),
    /// It contains nothing that could be played.
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

/// What to do about an error: check the content of the file, or the file itself.
fn next_step(error: &io::Error) -> &'static str {
    let is_damaged = matches!(error.kind(), io::ErrorKind::Other | io::ErrorKind::UnexpectedEof);
    if is_damaged { "copy or export it again" } else { "check the path" }
}

/// The name of a recording in messages.
#[must_use]
pub fn display_name(path: &Path) -> String {
    if path.as_os_str() == STDIN { "standard input".to_owned() } else { path.display().to_string() }
}

//! What a reader returns: rows, each with an EEG sample and the samples of other streams between it
//! and the previous one.

use serde_json::Value;

use cortop_protocol::Stream;

/// A row of a recording. Readers reuse it.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Epoch seconds of the EEG sample; `None` if the file has no time for it.
    pub time: Option<f64>,
    /// The counter of the EEG sample, if the file has one.
    pub counter: Option<u64>,
    /// How many EEG samples precede it, including lost ones.
    pub place: u64,
    /// Whether Cortex, or a reader, filled in the sample.
    pub interpolated: bool,
    /// The EEG values in the order of [`Header::labels_of`](crate::header::Header::labels_of), NaN
    /// for a channel that has had no value yet; empty if this row has no EEG sample.
    pub eeg: Vec<f64>,
    /// Samples of other streams.
    pub samples: Vec<StreamSample>,
    /// Markers.
    pub markers: Vec<RowMarker>,
}

/// A sample of a stream other than EEG.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamSample {
    /// Its stream.
    pub stream: Stream,
    /// Epoch seconds, if they differ from those of its row.
    pub time: Option<f64>,
    /// Its counter, if the file has one.
    pub counter: Option<u64>,
    /// Its values in the order of [`Header::labels_of`](crate::header::Header::labels_of), NaN if
    /// missing.
    pub values: Vec<f64>,
}

/// A marker.
#[derive(Clone, Debug, PartialEq)]
pub struct RowMarker {
    /// Epoch seconds, if it does not belong to its row.
    pub time: Option<f64>,
    /// As many of its members as the file contains: `label`, `value`, `type` and more (§4.4).
    pub object: Value,
}

impl Row {
    pub(crate) fn clear(&mut self) {
        self.time = None;
        self.counter = None;
        self.interpolated = false;
        self.eeg.clear();
        self.samples.clear();
        self.markers.clear();
    }
}

/// How much was read, and how much was not as it should be, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadCounts {
    /// Rows of data in the file.
    pub read: u64,
    /// EEG values that could not be read: the channel keeps its last one.
    pub held: u64,
    /// Other values that could not be read.
    pub unreadable: u64,
    /// Rows without any readable EEG, which count as lost samples.
    pub lost: u64,
    /// Rows or records that are cut off.
    pub short: u64,
    /// Rows with more values than there are names.
    pub surplus: u64,
    /// The line numbers of the first few rows that were dropped.
    pub dropped: Vec<u64>,
    /// Lines that repeat the names, give units or are comments.
    pub names: u64,
    /// Lines that are none of the above.
    pub unknown: u64,
    /// Implausibly long lines.
    pub too_long: u64,
    /// Markers whose meaning is unknown.
    pub unnamed_markers: u64,
}

impl ReadCounts {
    /// Notes the line number of a row that was dropped.
    pub(crate) fn drop_line(&mut self, line: u64) {
        /// How many line numbers are listed.
        const NAMED: usize = 3;
        if self.dropped.len() < NAMED {
            self.dropped.push(line);
        }
    }
}

/// The largest plausible EEG value in any unit: larger ones are placeholders for missing values, or
/// come from no converter.
const MOST: f64 = 1e10;

/// An EEG value that a sample can hold.
pub(crate) fn eeg_value(number: f64) -> Option<f64> {
    (number.abs() <= MOST).then_some(number)
}

/// A number as a counter, if it is a valid one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
pub(crate) fn count(number: f64) -> Option<u64> {
    const MOST: f64 = 1e15;
    (0.0..MOST).contains(&number).then_some(number as u64)
}

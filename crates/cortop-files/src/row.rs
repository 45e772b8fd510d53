//! What a reader yields: rows, each with a sample of EEG and what other streams have between it and
//! the one before.

use serde_json::Value;

use cortop_protocol::Stream;

/// A row of a recording. Readers reuse it.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Epoch seconds of the sample of EEG; `None` if the file has no time for it.
    pub time: Option<f64>,
    /// The counter of the sample of EEG, if the file has one.
    pub counter: Option<u64>,
    /// How many samples of EEG come before it, lost ones among them.
    pub place: u64,
    /// Cortex, or a reader, filled the sample in.
    pub interpolated: bool,
    /// The values of EEG in the order of [`Header::labels_of`](crate::header::Header::labels_of), NaN
    /// for a channel that has had no value yet; empty if this row has no sample of EEG.
    pub eeg: Vec<f64>,
    /// Samples of other streams.
    pub samples: Vec<StreamSample>,
    /// Markers.
    pub markers: Vec<RowMarker>,
}

/// A sample of another stream than EEG.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamSample {
    /// Its stream.
    pub stream: Stream,
    /// Epoch seconds, if they are not those of its row.
    pub time: Option<f64>,
    /// Its counter, if the file has one.
    pub counter: Option<u64>,
    /// Its values in the order of [`Header::labels_of`](crate::header::Header::labels_of), NaN where
    /// there is none.
    pub values: Vec<f64>,
}

/// A marker.
#[derive(Clone, Debug, PartialEq)]
pub struct RowMarker {
    /// Epoch seconds, if it does not belong to its row.
    pub time: Option<f64>,
    /// Its members as far as the file has them: `label`, `value`, `type` and more (§4.4).
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

/// What was read, and what was not as it should be, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadCounts {
    /// Rows of data in the file.
    pub read: u64,
    /// EEG values that could not be read: the channel holds its last one.
    pub held: u64,
    /// Other values that could not be read.
    pub unreadable: u64,
    /// Rows without any readable EEG, which are lost samples.
    pub lost: u64,
    /// Rows or records that are cut off.
    pub short: u64,
    /// Rows with more values than there are names.
    pub surplus: u64,
    /// The lines of rows that were dropped, the first few.
    pub dropped: Vec<u64>,
    /// Lines that repeat the names, give units or are comments.
    pub names: u64,
    /// Lines that are none of all these.
    pub unknown: u64,
    /// Lines that are too long to make sense.
    pub too_long: u64,
    /// Markers that nothing names.
    pub unnamed_markers: u64,
}

impl ReadCounts {
    /// Takes down the line of a row that was dropped.
    pub(crate) fn drop_line(&mut self, line: u64) {
        /// Lines that are named.
        const NAMED: usize = 3;
        if self.dropped.len() < NAMED {
            self.dropped.push(line);
        }
    }
}

/// The most that a value of EEG may be, of whatever unit: above it are marks of missing values, and
/// what no converter gives.
const MOST: f64 = 1e10;

/// A value of EEG that a sample can hold.
pub(crate) fn eeg_value(number: f64) -> Option<f64> {
    (number.abs() <= MOST).then_some(number)
}

/// A counter, if it is one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
pub(crate) fn count(number: f64) -> Option<u64> {
    const MOST: f64 = 1e15;
    (0.0..MOST).contains(&number).then_some(number as u64)
}

//! What the user is looking at: the user interface sends it to the decoder.

use std::{collections::BTreeSet, sync::Arc};

use super::montage::Montage;
use cortop_protocol::{HeadsetId, Stream};

/// What the user is looking at. The decoder publishes only this view's columns.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// The headset; `None` before there is a session. Not the session, so that a headset's data
    /// stays in view when its session ends and another one replaces it.
    pub headset: Option<HeadsetId>,
    /// The stream drawn as traces (`eeg` or `mot`); for any other there are no traces.
    pub stream: Stream,
    /// Which of its channels in which order, by index among the channels of the stream or of the
    /// montage.
    pub channels: Arc<[usize]>,
    /// Length of the window in seconds.
    pub window: f64,
    /// The number of columns in the window (dot columns of the plot).
    pub columns: usize,
    /// Where the window ends.
    pub end: ViewEnd,
    /// The display filters.
    pub filters: Filters,
    /// Whether the last message of each stream is wanted as well.
    pub inspect: bool,
    /// Absolute indices of the samples whose values are wanted, in a frozen view.
    pub cursors: [Option<u64>; 2],
    /// What EEG is drawn against, which also determines its channels.
    pub montage: Montage,
    /// The labels of channels that the user has marked as bad: they count neither for an average
    /// nor for the common scale.
    pub bad: Arc<BTreeSet<Arc<str>>>,
    /// The highest frequency in Hz of the power spectra over the two seconds up to the end of each
    /// column; they end at half the rate at most. `None`: no spectra.
    pub spectra: Option<f64>,
}

impl Default for View {
    fn default() -> Self {
        Self {
            headset: None,
            stream: Stream::Eeg,
            channels: Arc::default(),
            window: 10.0,
            columns: 0,
            end: ViewEnd::Live,
            filters: Filters::default(),
            inspect: false,
            cursors: [None; 2],
            montage: Montage::default(),
            bad: Arc::default(),
            spectra: None,
        }
    }
}

/// Where a view's window ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ViewEnd {
    /// At the newest sample.
    #[default]
    Live,
    /// Before this absolute sample index (frozen, or scrolled back).
    At(u64),
}

/// The display filters; they never change what is recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Filters {
    /// Corner of the second-order Butterworth high-pass in Hz.
    pub high_pass: Option<f64>,
    /// Corner of the second-order Butterworth low-pass in Hz.
    pub low_pass: Option<f64>,
    /// Centre of the mains notch in Hz.
    pub notch: Option<f64>,
}

impl Default for Filters {
    fn default() -> Self {
        Self { high_pass: Some(0.5), low_pass: Some(45.0), notch: None }
    }
}

impl Filters {
    /// No filters.
    pub const NONE: Self = Self { high_pass: None, low_pass: None, notch: None };
}

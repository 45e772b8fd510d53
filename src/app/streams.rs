//! What the streams pane shows and how: view, window, amplitude, filters, freeze.

use std::sync::Arc;

use super::Now;
use crate::{
    cortex::Stream,
    signal::{
        Filters, Snapshot,
        view::{End, Reference},
    },
};

/// Window lengths in seconds (signal.md, Defaults).
pub const WINDOWS: [f64; 6] = [2.0, 5.0, 10.0, 20.0, 30.0, 60.0];

/// Half the height of a channel's row in µV: ±50 µV by default (signal.md, Defaults).
pub const AMPLITUDES: [f32; 7] = [10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];

/// Corners of the high-pass in Hz, in the order of its key (signal.md, Defaults).
pub const HIGH_PASSES: [Option<f64>; 5] = [None, Some(0.16), Some(0.5), Some(1.0), Some(5.0)];

/// Corners of the low-pass in Hz, in the order of its key (signal.md, Defaults).
pub const LOW_PASSES: [Option<f64>; 3] = [None, Some(30.0), Some(45.0)];

/// Centres of the notch in Hz, in the order of its key (signal.md, Defaults).
pub const NOTCHES: [Option<f64>; 3] = [None, Some(50.0), Some(60.0)];

/// What the streams pane shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// The traces and a line for every stream.
    #[default]
    All,
    /// One stream.
    One(Stream),
    /// The power spectrum of EEG over the window.
    Spectrum,
    /// The power spectrum of one EEG channel as it went.
    Spectrogram,
}

impl Shown {
    /// The views in the order of the key.
    pub const CYCLE: [Self; 12] = [
        Self::All,
        Self::One(Stream::Eeg),
        Self::Spectrum,
        Self::Spectrogram,
        Self::One(Stream::Mot),
        Self::One(Stream::Dev),
        Self::One(Stream::Eq),
        Self::One(Stream::Pow),
        Self::One(Stream::Met),
        Self::One(Stream::Com),
        Self::One(Stream::Fac),
        Self::One(Stream::Sys),
    ];

    /// Whether it shows EEG, so that its window is one of EEG samples. The overview does wherever
    /// there is EEG.
    fn is_of_eeg(self) -> bool {
        !matches!(self, Self::One(stream) if stream != Stream::Eeg)
    }
}

/// How the picture moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Motion {
    /// A write cursor crosses the picture, as on a bedside monitor: few bytes.
    #[default]
    Sweep,
    /// The newest is at the right edge, everything moves left.
    Scroll,
}

/// A stopped picture.
#[derive(Clone, Debug)]
pub struct Frozen {
    /// Since when.
    pub since: Now,
    /// The readings of that moment.
    pub snapshot: Arc<Snapshot>,
    /// The absolute sample index before which the picture ends.
    pub end: u64,
}

/// The streams pane's state.
#[derive(Clone, Debug)]
pub struct Streams {
    /// Which view.
    pub shown: Shown,
    /// The view to which the key of a view goes back.
    before: Shown,
    /// Place in [`WINDOWS`].
    window: usize,
    /// Place in [`AMPLITUDES`].
    amplitude: usize,
    /// Whether the scale follows the signal.
    pub auto: bool,
    /// The filters of the picture, each out of its own list.
    filters: Filters,
    /// What EEG is drawn against.
    pub reference: Reference,
    /// Whether the spectrum is of all channels, else of the selected one.
    pub all_channels: bool,
    /// Sweep or scroll.
    pub motion: Motion,
    /// The selected one among the stream's shown channels, or sensors.
    pub selected: usize,
    /// The first channel shown, where not all fit.
    pub first_channel: usize,
    /// The picture stands still.
    pub frozen: Option<Frozen>,
}

impl Default for Streams {
    fn default() -> Self {
        Self {
            shown: Shown::All,
            before: Shown::All,
            window: 2,
            amplitude: 2,
            auto: false,
            filters: Filters::default(),
            reference: Reference::default(),
            all_channels: false,
            motion: Motion::Sweep,
            selected: 0,
            first_channel: 0,
            frozen: None,
        }
    }
}

impl Streams {
    /// Seconds in the window.
    #[must_use]
    pub fn window(&self) -> f64 {
        WINDOWS[self.window]
    }

    /// Half the height of a channel's row in µV, unless [`Streams::auto`].
    #[must_use]
    pub fn amplitude(&self) -> f32 {
        AMPLITUDES[self.amplitude]
    }

    /// The filters of the picture.
    #[must_use]
    pub fn filters(&self) -> Filters {
        self.filters
    }

    /// Where the picture ends.
    #[must_use]
    pub fn end(&self) -> End {
        self.frozen.as_ref().map_or(End::Live, |frozen| End::At(frozen.end))
    }

    pub(super) fn step_window(&mut self, step: isize) {
        self.window = self.window.saturating_add_signed(step).min(WINDOWS.len() - 1);
    }

    /// A step of the amplitude leaves the automatic scale.
    pub(super) fn step_amplitude(&mut self, step: isize) {
        self.auto = false;
        self.amplitude = self.amplitude.saturating_add_signed(step).min(AMPLITUDES.len() - 1);
    }

    pub(super) fn next_high_pass(&mut self) {
        self.filters.high_pass = next(&HIGH_PASSES, self.filters.high_pass);
    }

    pub(super) fn next_low_pass(&mut self) {
        self.filters.low_pass = next(&LOW_PASSES, self.filters.low_pass);
    }

    pub(super) fn next_notch(&mut self) {
        self.filters.notch = next(&NOTCHES, self.filters.notch);
    }

    pub(super) fn next_reference(&mut self) {
        self.reference = match self.reference {
            Reference::AsRecorded => Reference::CommonAverage,
            Reference::CommonAverage => Reference::AsRecorded,
        };
    }

    /// The next or the previous view of [`Shown::CYCLE`].
    pub(super) fn step_view(&mut self, forward: bool) {
        let count = Shown::CYCLE.len();
        let place = Shown::CYCLE.iter().position(|&view| view == self.shown).unwrap_or_default();
        self.show(Shown::CYCLE[(place + if forward { 1 } else { count - 1 }) % count]);
    }

    /// A view that has a key of its own, or again the one before.
    pub(super) fn toggle(&mut self, view: Shown) {
        if self.shown == view {
            let before = std::mem::take(&mut self.before);
            self.show(before);
        } else {
            self.before = self.shown;
            self.show(view);
        }
    }

    /// Selects another of `count` channels, and shows others where it is not among the `fit` shown.
    pub(super) fn step_channel(&mut self, step: isize, count: usize, fit: usize) {
        self.selected = self.selected.saturating_add_signed(step).min(count.saturating_sub(1));
        let least = (self.selected + 1).saturating_sub(fit);
        self.first_channel = self.first_channel.clamp(least, self.selected.max(least));
    }

    fn show(&mut self, shown: Shown) {
        // A frozen picture stands at a sample of its own stream: another stream counts otherwise,
        // and has other channels.
        let stays = shown.is_of_eeg() && self.shown.is_of_eeg();
        self.shown = shown;
        self.first_channel = 0;
        if !stays {
            self.selected = 0;
        }
        let of_eeg = |frozen: &Frozen| frozen.snapshot.view.stream == Stream::Eeg;
        self.frozen = self.frozen.take().filter(|frozen| stays && of_eeg(frozen));
    }
}

/// The next of a list after the present one, round and round.
fn next(steps: &[Option<f64>], now: Option<f64>) -> Option<f64> {
    let place = steps.iter().position(|&step| step == now).map_or(0, |place| place + 1);
    steps.get(place).or(steps.first()).copied().flatten()
}

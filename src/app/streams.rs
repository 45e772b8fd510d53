//! What the streams pane shows, and how: view, window, amplitude, filters, freeze.

use std::{collections::BTreeSet, sync::Arc};

use super::{ChannelLayout, Feature, StreamView};
use cortop_client::{Moment, Stream};
use cortop_signal::{
    Filters, Snapshot, Traces,
    bands::{BANDS, Band},
    montage::{Montage, longitudinal_pairs},
    view::ViewEnd,
};

/// Window lengths in seconds (docs/signal.md, Defaults).
const WINDOWS: [f64; 6] = [2.0, 5.0, 10.0, 20.0, 30.0, 60.0];

/// Half the height of a channel's row in µV: ±50 µV by default (docs/signal.md, Defaults).
pub const AMPLITUDES: [f32; 7] = [10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];

/// High-pass cutoffs in Hz, in the order of their key (docs/signal.md, Defaults).
const HIGH_PASSES: [Option<f64>; 5] = [None, Some(0.16), Some(0.5), Some(1.0), Some(5.0)];

/// Low-pass cutoffs in Hz, in the order of their key (docs/signal.md, Defaults).
const LOW_PASSES: [Option<f64>; 3] = [None, Some(30.0), Some(45.0)];

/// Centre frequencies of the notch in Hz, in the order of its key (docs/signal.md, Defaults).
const NOTCHES: [Option<f64>; 3] = [None, Some(50.0), Some(60.0)];

/// Upper limits of a spectrum in Hz, in the order of their key; the last is the Nyquist frequency
/// (docs/signal.md, Defaults).
const SPECTRUM_ENDS: [f64; 3] = [45.0, 70.0, f64::INFINITY];

/// The channels that a spectrum shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpectrumChannels {
    /// The selected one.
    #[default]
    Selected,
    /// All, one below the other.
    Rows,
    /// All in one plot, each as a line in its own colour.
    Overlaid,
}

/// How the picture moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScrollMode {
    /// A write cursor moves across the picture, as on a bedside monitor: few bytes.
    #[default]
    Sweep,
    /// The newest sample is at the right edge, and the picture moves left.
    Scroll,
}

/// How dots become glyphs, if more than ASCII is available.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GlyphSet {
    /// 2×4 dots per cell.
    #[default]
    Braille,
    /// Two dots per cell, one above the other.
    HalfBlock,
    /// Whole cells.
    Block,
}

/// A frozen picture.
#[derive(Clone, Debug)]
pub struct FrozenPicture {
    /// When it froze.
    pub(crate) since: Moment,
    /// The readings of that moment.
    pub(crate) snapshot: Arc<Snapshot>,
    /// The absolute index one past its last sample when it froze.
    pub(crate) at: u64,
    /// The absolute index one past its last sample now.
    pub(crate) end: u64,
    /// Epoch seconds of the sample before `end`, if known: kept even if the history drops that sample.
    pub(crate) end_time: Option<f64>,
    /// The absolute index of the sample under the cursor.
    pub(crate) cursor: Option<u64>,
    /// The same for the second cursor.
    pub(crate) second: Option<u64>,
}

/// The streams pane's state.
#[derive(Clone, Debug)]
pub(crate) struct StreamsPane {
    /// The current view.
    pub(crate) shown: &'static StreamView,
    /// The view that a temporary view's key returns to.
    pub(crate) before: &'static StreamView,
    /// The stream whose message the inspector shows.
    pub(crate) inspected: Stream,
    /// The first visible line of the message.
    pub(crate) first_line: usize,
    /// Index into [`WINDOWS`].
    window: usize,
    /// Index into [`AMPLITUDES`].
    amplitude: usize,
    /// Whether the scale is automatic.
    pub(crate) auto: bool,
    /// The filters of the picture, each from its own list.
    filters: Filters,
    /// The montage of EEG, if the view has channels that can be paired.
    montage: Montage,
    /// The labels of the EEG channels marked as bad.
    pub(crate) bad: Arc<BTreeSet<Arc<str>>>,
    /// The channels that the spectrum shows.
    pub(crate) spectrum_channels: SpectrumChannels,
    /// Index into [`SPECTRUM_ENDS`].
    spectrum_end: usize,
    /// Whether the spectrum's scale is linear; otherwise it is in dB.
    pub(crate) linear: bool,
    /// The band of the topographic map, as an index into the table of bands.
    pub(crate) band: usize,
    /// Sweep or scroll.
    pub(crate) scroll_mode: ScrollMode,
    /// How dots become glyphs.
    pub(crate) glyph_set: GlyphSet,
    /// The selected channel, by position among those shown, or the sensor.
    pub(crate) selected: usize,
    /// The channel layouts of each traced stream, and of the EEG pairs.
    eeg: ChannelLayout,
    pairs: ChannelLayout,
    mot: ChannelLayout,
    /// The frozen picture.
    pub(crate) frozen: Option<FrozenPicture>,
}

impl Default for StreamsPane {
    fn default() -> Self {
        Self {
            shown: &StreamView::ALL,
            before: &StreamView::ALL,
            inspected: Stream::Eeg,
            first_line: 0,
            window: 2,
            amplitude: 2,
            auto: false,
            filters: Filters::default(),
            montage: Montage::default(),
            bad: Arc::default(),
            spectrum_channels: SpectrumChannels::default(),
            spectrum_end: 1,
            linear: false,
            // Alpha: the first band to change when the eyes close.
            band: 1,
            scroll_mode: ScrollMode::Sweep,
            glyph_set: GlyphSet::Braille,
            selected: 0,
            eeg: ChannelLayout::default(),
            pairs: ChannelLayout::default(),
            mot: ChannelLayout::default(),
            frozen: None,
        }
    }
}

impl StreamsPane {
    /// The length of the window in seconds.
    #[must_use]
    pub(crate) fn window(&self) -> f64 {
        WINDOWS[self.window]
    }

    /// Half the height of a channel's row in µV, if the scale is not automatic.
    #[must_use]
    pub(crate) fn amplitude(&self) -> f32 {
        AMPLITUDES[self.amplitude]
    }

    /// The filters of the picture.
    #[must_use]
    pub(crate) fn filters(&self) -> Filters {
        self.filters
    }

    /// How the channels of a stream are arranged.
    #[must_use]
    pub(crate) fn channels(&self, stream: Stream) -> &ChannelLayout {
        match stream {
            Stream::Mot => &self.mot,
            Stream::Eeg if self.montage() == Montage::LongitudinalBipolar => &self.pairs,
            _ => &self.eeg,
        }
    }

    pub(super) fn channels_mut(&mut self, stream: Stream) -> &mut ChannelLayout {
        match stream {
            Stream::Mot => &mut self.mot,
            Stream::Eeg if self.montage() == Montage::LongitudinalBipolar => &mut self.pairs,
            _ => &mut self.eeg,
        }
    }

    /// The montage of EEG. A view of the whole head shows its electrodes and has no pairs.
    #[must_use]
    pub(crate) fn montage(&self) -> Montage {
        match self.montage {
            Montage::LongitudinalBipolar if !self.shown.has(Feature::ChannelLayout) => {
                Montage::AsRecorded
            }
            montage => montage,
        }
    }

    pub(super) fn set_montage(&mut self, montage: Montage) {
        self.montage = montage;
    }

    /// The number of channels to draw: of the traces' stream, or of its montage.
    #[must_use]
    pub(crate) fn channel_count(&self, traces: &Traces) -> usize {
        let of_eeg = traces.subscription.stream == Stream::Eeg;
        match self.montage() {
            Montage::LongitudinalBipolar if of_eeg => {
                longitudinal_pairs(traces.subscription.columns.labels()).len()
            }
            _ => traces.channels_in_all,
        }
    }

    /// The absolute indices of the samples under the cursors.
    #[must_use]
    pub(crate) fn cursors(&self) -> [Option<u64>; 2] {
        self.frozen.as_ref().map_or([None; 2], |frozen| [frozen.cursor, frozen.second])
    }

    /// Where the picture ends.
    #[must_use]
    pub(crate) fn end(&self) -> ViewEnd {
        self.frozen.as_ref().map_or(ViewEnd::Live, |frozen| ViewEnd::At(frozen.end))
    }

    // Functions that change a setting return the new value as text.

    pub(super) fn step_window(&mut self, step: isize) -> String {
        self.window = self.window.saturating_add_signed(step).min(WINDOWS.len() - 1);
        format!("window {} s", self.window())
    }

    /// A step of the amplitude turns the automatic scale off.
    pub(super) fn step_amplitude(&mut self, step: isize) -> String {
        self.auto = false;
        self.amplitude = self.amplitude.saturating_add_signed(step).min(AMPLITUDES.len() - 1);
        self.scale()
    }

    pub(super) fn toggle_auto_scale(&mut self) -> String {
        self.auto = !self.auto;
        self.scale()
    }

    fn scale(&self) -> String {
        match self.amplitude() {
            _ if self.auto => "scale: automatic".to_owned(),
            amplitude if !self.shown.has(Feature::AutoScale) => {
                format!("scale of the spectrum: that of ±{amplitude} µV")
            }
            amplitude => format!("scale ±{amplitude} µV"),
        }
    }

    pub(super) fn next_scroll_mode(&mut self) -> String {
        let (mode, text) = match self.scroll_mode {
            ScrollMode::Sweep => (ScrollMode::Scroll, "the picture scrolls"),
            ScrollMode::Scroll => (ScrollMode::Sweep, "the picture sweeps"),
        };
        self.scroll_mode = mode;
        text.to_owned()
    }

    pub(super) fn next_glyph_set(&mut self) -> String {
        let (set, text) = match self.glyph_set {
            GlyphSet::Braille => (GlyphSet::HalfBlock, "drawn with half blocks"),
            GlyphSet::HalfBlock => (GlyphSet::Block, "drawn with blocks"),
            GlyphSet::Block => (GlyphSet::Braille, "drawn with braille"),
        };
        self.glyph_set = set;
        text.to_owned()
    }

    pub(super) fn next_spectrum_channels(&mut self) -> String {
        let (channels, text) = match self.spectrum_channels {
            SpectrumChannels::Selected => (SpectrumChannels::Rows, "each channel"),
            SpectrumChannels::Rows => (SpectrumChannels::Overlaid, "all channels in one plot"),
            SpectrumChannels::Overlaid => (SpectrumChannels::Selected, "the selected channel"),
        };
        self.spectrum_channels = channels;
        format!("spectrum of {text}")
    }

    /// The requested upper limit of the spectrum in Hz.
    #[must_use]
    pub(crate) fn spectrum_end(&self) -> f64 {
        SPECTRUM_ENDS[self.spectrum_end]
    }

    pub(super) fn next_spectrum_end(&mut self) -> String {
        self.spectrum_end = (self.spectrum_end + 1) % SPECTRUM_ENDS.len();
        let end = self.spectrum_end();
        if end.is_finite() {
            format!("spectrum up to {end} Hz")
        } else {
            "spectrum up to half the sampling rate".to_owned()
        }
    }

    pub(super) fn toggle_spectrum_scale(&mut self) -> String {
        self.linear = !self.linear;
        format!("spectrum {}", if self.linear { "linear, in µV²/Hz" } else { "in dB" })
    }

    pub(super) fn next_band(&mut self) -> String {
        self.band = (self.band + 1) % BANDS.len();
        let Band { name, low, high, .. } = BANDS[self.band];
        format!("band {name}, {low}–{high} Hz")
    }

    pub(super) fn next_high_pass(&mut self) -> String {
        self.filters.high_pass = next(&HIGH_PASSES, self.filters.high_pass);
        format!("high-pass {}", hertz(self.filters.high_pass))
    }

    pub(super) fn next_low_pass(&mut self) -> String {
        self.filters.low_pass = next(&LOW_PASSES, self.filters.low_pass);
        format!("low-pass {}", hertz(self.filters.low_pass))
    }

    pub(super) fn next_notch(&mut self) -> String {
        self.filters.notch = next(&NOTCHES, self.filters.notch);
        format!("notch {}", hertz(self.filters.notch))
    }

    /// Shows the next or the previous of these views.
    pub(super) fn step_view(&mut self, views: &[&'static StreamView], forward: bool) {
        let place = views.iter().position(|&view| view == self.shown).unwrap_or_default();
        let step = if forward { 1 } else { views.len().saturating_sub(1) };
        if let Some(view) = views.get((place + step) % views.len().max(1)) {
            self.show(view);
        }
    }

    /// Shows a view or, if it is shown already, the previous one.
    pub(super) fn toggle(&mut self, view: &'static StreamView) {
        if self.shown == view {
            // After switching from this view to another one and back, `before` is this view itself.
            self.show(if self.before == view { &StreamView::ALL } else { self.before });
        } else {
            self.before = self.shown;
            self.show(view);
        }
    }

    /// Steps through the streams of the inspector.
    pub(super) fn step_inspected(&mut self, step: isize) {
        let place = Stream::ALL.iter().position(|&stream| stream == self.inspected);
        let place = place.unwrap_or_default().saturating_add_signed(step);
        self.inspect(Stream::ALL[place.min(Stream::ALL.len() - 1)]);
    }

    /// Shows the message of a stream in the inspector from its start.
    pub(super) fn inspect(&mut self, stream: Stream) {
        (self.inspected, self.first_line) = (stream, 0);
    }

    fn show(&mut self, view: &'static StreamView) {
        // A frozen picture refers to samples of its own stream: another stream has other sample indices and
        // channels.
        let stays = view.is_of_eeg() && self.shown.is_of_eeg();
        let of_sensors = |view: &StreamView| view.is_of_eeg() || view.is_of_contact();
        if !(of_sensors(view) && of_sensors(self.shown)) {
            self.selected = 0;
        }
        self.shown = view;
        let of_eeg = |frozen: &FrozenPicture| frozen.snapshot.view.stream == Stream::Eeg;
        self.frozen = self.frozen.take().filter(|frozen| stays && of_eeg(frozen));
    }
}

/// The next entry of a list; the first follows the last.
fn next(steps: &[Option<f64>], now: Option<f64>) -> Option<f64> {
    let place = steps.iter().position(|&step| step == now).map_or(0, |place| place + 1);
    steps.get(place).or(steps.first()).copied().flatten()
}

/// The cutoff or centre frequency of a filter as text.
fn hertz(value: Option<f64>) -> String {
    value.map_or_else(|| "off".to_owned(), |hz| format!("{hz} Hz"))
}

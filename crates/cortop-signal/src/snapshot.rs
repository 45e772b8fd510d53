//! What the decoder publishes: the traces of the view, the latest readings, the health of all
//! streams. Plain data, shared behind an `Arc`, immutable once published.

use std::{collections::BTreeMap, sync::Arc};

use tokio::time::Instant;

use super::{Orientation, View, spectra::Spectra};
use cortop_protocol::{HeadsetId, Sample, SessionId, Stream, Subscription};

pub use super::{
    columns::{Bin, Binning},
    health::{Holes, RecentCounts, StreamHealth},
    history::{Discontinuity, Gap},
    latest_values::LatestValues,
    readings::{FacialExpression, MentalCommand, Metric, Readings, TrainingEvent},
    stamps::ClockStep,
};

/// The signals at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The view that this snapshot answers.
    pub view: View,
    /// The traces of the view's stream, if it has any.
    pub traces: Option<Traces>,
    /// The latest readings of the view's headset.
    pub readings: Readings,
    /// How the head is held, according to the newest motion sample of the view's headset.
    pub orientation: Option<Orientation>,
    /// The last message of each stream of the view's headset, as received, if the view asks for
    /// them.
    pub messages: Vec<Arc<Sample>>,
    /// The health of every stream of every session, sorted by session and stream.
    pub health: Vec<StreamHealth>,
    /// What the headsets of all sessions report about themselves.
    pub devices: BTreeMap<HeadsetId, DeviceReadings>,
    /// Samples dropped since the start because the decoder's queue was full.
    pub dropped: u64,
}

impl Snapshot {
    /// The health of one stream.
    #[must_use]
    pub fn health_of(&self, session: &SessionId, stream: Stream) -> Option<&StreamHealth> {
        self.health_in(session).iter().find(|health| health.stream == stream)
    }

    /// How many streams are stale.
    #[must_use]
    pub fn stale(&self) -> usize {
        self.health.iter().filter(|health| health.stale_since.is_some()).count()
    }

    /// The health of a session's streams.
    #[must_use]
    pub fn health_in(&self, session: &SessionId) -> &[StreamHealth] {
        let start = self.health.partition_point(|health| health.session < *session);
        let own = self.health[start..].iter().take_while(|health| health.session == *session);
        &self.health[start..start + own.count()]
    }
}

/// What a session's headset reports about itself.
#[derive(Clone, Debug, Default)]
pub struct DeviceReadings {
    /// Battery, link, contact by sensor (§5.4).
    pub dev: Option<Arc<LatestValues>>,
    /// EEG quality by sensor (§5.5), not smoothed.
    pub eq: Option<Arc<LatestValues>>,
}

impl DeviceReadings {
    /// Per cent left in the battery, or in the emptiest one if there are two (§5.4, §5.5).
    #[must_use]
    pub fn battery(&self) -> Option<f64> {
        let dev = self.dev.iter().flat_map(|dev| {
            ["BatteryPercent", "batteryLeftPercent", "batteryRightPercent"]
                .map(|label| dev.get(label))
        });
        let eq = self.eq.iter().map(|eq| eq.get("batteryPercent"));
        dev.chain(eq).flatten().filter(|percent| *percent >= 0.0).min_by(f64::total_cmp)
    }

    /// The overall contact in per cent.
    #[must_use]
    pub fn contact(&self) -> Option<f64> {
        self.dev.as_deref()?.overall()
    }

    /// The sensor with the worst contact, and its level; the level is `None` if Cortex gave none.
    #[must_use]
    pub fn worst(&self) -> Option<(&str, Option<f64>)> {
        let level = |level: Option<f64>| level.unwrap_or(-1.0);
        self.dev.as_deref()?.sensors().min_by(|(_, a), (_, b)| level(*a).total_cmp(&level(*b)))
    }
}

/// The columns of a traced stream's window.
#[derive(Clone, Debug)]
pub struct Traces {
    /// The subscription the channels belong to.
    pub subscription: Arc<Subscription>,
    /// How many channels the stream has in total; the view shows some of them.
    pub channels_in_all: usize,
    /// The channels of the view, in its order.
    pub channels: Vec<Trace>,
    /// The division of absolute sample indices into columns.
    pub bins: Binning,
    /// Absolute index of the first bin in each channel's `columns`.
    pub first_bin: u64,
    /// Absolute index after the last sample of the window.
    pub end: u64,
    /// Epoch seconds of the sample before `end`, if known.
    pub end_time: Option<f64>,
    /// Absolute index of the oldest sample still kept.
    pub oldest: u64,
    /// Absolute index after the newest sample kept; equals `end` in a live view.
    pub newest: u64,
    /// When the newest sample arrived.
    pub last: Option<Instant>,
    /// All gaps in the history, oldest first.
    pub gaps: Vec<Gap>,
    /// The spread that fits most channels: the median of their spreads, with hysteresis, updated at
    /// most once per second; NaN until known.
    pub spread: f32,
    /// The labels of the channels against whose mean each channel is drawn; empty if it is drawn as
    /// recorded, also because too few are known to touch.
    pub reference: Vec<Arc<str>>,
    /// The spectra of the view's channels, if the view asks for them.
    pub spectra: Option<Spectra>,
    /// The samples of the window at which seconds begin: absolute index and epoch second.
    pub seconds: Vec<(u64, i64)>,
    /// The samples of the window before which Cortex's clock was set: absolute index and seconds
    /// ahead.
    pub clock_steps: Vec<(u64, f64)>,
    /// The markers of the window, oldest first: absolute sample index and text.
    pub markers: Vec<(u64, Arc<str>)>,
    /// The samples under the view's cursors, even if the window does not contain them.
    pub cursors: [Option<Cursor>; 2],
}

impl Traces {
    /// The same traces with another number of columns, as far as the available columns allow: each
    /// new one shows the extremes of those that it overlaps. Used until the decoder has computed
    /// the columns from the samples; without spectra.
    #[must_use]
    pub fn resampled(&self, columns: u64) -> Self {
        let bins = Binning { columns, ..self.bins };
        let first_bin =
            bins.of(self.bins.start(self.first_bin)).max(bins.first_of_window(self.end));
        let last = bins.of(self.end.saturating_sub(1));
        let old = |bin: u64| {
            let (start, end) = (bins.start(bin), bins.start(bin + 1).min(self.end));
            self.bins.of(start)..=self.bins.of(end.saturating_sub(1).max(start))
        };
        let merged = |trace: &Trace, bin: u64| {
            let place = |old: u64| usize::try_from(old.checked_sub(self.first_bin)?).ok();
            let own = old(bin).filter_map(|old| trace.columns.get(place(old)?));
            own.fold(Bin::EMPTY, |all, own| Bin { gap: all.gap || own.gap, ..all.followed_by(own) })
        };
        let channels = self.channels.iter().map(|trace| Trace {
            columns: (first_bin..=last).map(|bin| merged(trace, bin)).collect(),
            restarts: trace.restarts.iter().map(|&bin| bins.of(self.bins.start(bin))).collect(),
            ..trace.clone()
        });
        Self { channels: channels.collect(), bins, first_bin, spectra: None, ..self.clone() }
    }
}

/// The sample under a cursor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cursor {
    /// Its absolute index.
    pub index: u64,
    /// Its epoch seconds, if known.
    pub time: Option<f64>,
}

impl Trace {
    /// Whether information about a channel of the stream concerns this trace: it is that channel,
    /// or one of its pair.
    #[must_use]
    pub fn is_of(&self, channel: &str) -> bool {
        let mut pair = self.pair.iter().flatten();
        *self.label == *channel || pair.any(|own| **own == *channel)
    }
}

/// One channel's columns, oldest first; all channels have the same number. The last may still grow.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Its index among the channels of the stream or of the montage.
    pub place: usize,
    /// The column's label, such as `AF3` or `ACCX`; that of a pair is like `F7–T7`.
    pub label: Arc<str>,
    /// In a bipolar montage, the two channels whose difference it is.
    pub pair: Option<[Arc<str>; 2]>,
    /// Filtered values, one per bin from `first_bin` on.
    pub columns: Vec<Bin>,
    /// The newest raw value.
    pub raw: Option<f64>,
    /// The bins in which a lasting jump made its filters restart, oldest first.
    pub restarts: Vec<u64>,
    /// Median over the window, with hysteresis, so that a trace drawn around it stands still;
    /// updated at most once per second, NaN until known.
    pub median: f32,
    /// The median without hysteresis, for display as a number.
    pub exact_median: f32,
    /// 99th percentile of |x − median| over the window, with hysteresis, updated at most once per
    /// second; NaN until known.
    pub spread: f32,
    /// The filtered values of the samples under the cursors; NaN if the window does not contain
    /// them.
    pub at: [f32; 2],
}

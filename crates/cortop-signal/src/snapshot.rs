//! What the decoder publishes: the columns of the view, the latest readings, the health of all
//! streams. Plain data, shared behind an `Arc`, never changed after it was published.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Range,
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::{BadChannel, Orientation, Smoothed, View, spectra::Spectra};
use cortop_protocol::{HeadsetId, Sample, SessionId, Stream, Subscription};

/// A picture of the signals at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The view this answers.
    pub view: View,
    /// The traces of the view's stream, if it has any.
    pub traces: Option<Traces>,
    /// The latest readings of the view's headset.
    pub readings: Readings,
    /// How the head is held, by the newest motion sample of the view's headset.
    pub orientation: Option<Orientation>,
    /// The last message of each stream of the view's headset, as it came, if the view asks for
    /// them.
    pub messages: Vec<Sample>,
    /// The health of every stream of every session, by session and stream.
    pub health: Vec<StreamHealth>,
    /// What the headsets of all sessions say of themselves.
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

/// How well a stream flows.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamHealth {
    /// Whose.
    pub session: SessionId,
    /// From which headset.
    pub headset: HeadsetId,
    /// Which.
    pub stream: Stream,
    /// Samples a second expected.
    pub nominal_rate: Option<f64>,
    /// Samples a second measured over the last seconds; `None` before there are enough, and of a
    /// stale stream.
    pub rate: Option<f64>,
    /// Samples since the subscription.
    pub received: u64,
    /// Samples lost since the subscription, by COUNTER.
    pub lost: u64,
    /// Samples that Cortex filled in (INTERPOLATED).
    pub interpolated: u64,
    /// The last 10 s.
    pub recent: Recent,
    /// Channels whose raw signal cannot be EEG, in the order of the columns; of EEG only.
    pub bad_channels: Arc<[BadChannel]>,
    /// Messages that were not as the columns said (wrong length, type, not JSON), came again or
    /// late, or bore a wrong `time`.
    pub malformed: u64,
    /// When Cortex's clock was set last, while this stream ran.
    pub clock_step: Option<ClockStep>,
    /// When the subscription began.
    pub subscribed: Instant,
    /// When the last sample arrived.
    pub last: Option<Instant>,
    /// The `time` of the last sample, epoch seconds.
    pub last_time: Option<f64>,
    /// The newest gap before this subscription's samples, as far as its history is kept.
    pub gap: Option<Gap>,
    /// Set while it is stale, that is without a sample for three of its periods and at least 2 s:
    /// when the last one arrived, or when the subscription began if none ever did.
    pub stale_since: Option<Instant>,
}

/// A step of the clock by which Cortex stamps samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockStep {
    /// By how many seconds it was set ahead; back if negative.
    pub seconds: f64,
    /// When the first sample arrived that has the new time.
    pub received: Instant,
}

impl ClockStep {
    /// The step in words, which happened at a time of day.
    #[must_use]
    pub fn sentence(&self, time_of_day: &str) -> String {
        let direction = if self.seconds < 0.0 { "back" } else { "ahead" };
        let seconds = self.seconds.abs();
        let decimals = usize::from(seconds < 99.95);
        format!("Cortex's clock was set {seconds:.decimals$} s {direction} at {time_of_day}")
    }
}

/// The last 10 s of a stream, in steps of a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Recent {
    /// Samples that came.
    pub received: u64,
    /// Samples lost, by COUNTER.
    pub lost: u64,
    /// Samples that Cortex filled in (INTERPOLATED).
    pub interpolated: u64,
    /// Mean of |D| in seconds, D being how much more lies between the arrivals of two samples in
    /// sequence than between their `time`s (as in RFC 3550, 6.4.1, but without its decay).
    pub jitter: Option<f64>,
    /// The sample that came soonest after its `time`: when it arrived, and that, in epoch seconds.
    /// What lies between is the delay of the way, as far as both clocks agree.
    pub soonest: Option<(Instant, f64)>,
}

impl Recent {
    /// The share of samples lost, 0..1.
    #[must_use]
    pub fn loss(&self) -> f64 {
        self.lost as f64 / (self.received.saturating_add(self.lost)).max(1) as f64
    }
}

/// The time between two connections: a hole in the history of a stream. Nothing was lost in it, for
/// nothing was subscribed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The absolute sample indices that nothing was received for: as many as fit into its time.
    pub samples: Range<u64>,
    /// When the last sample before it arrived.
    pub from: Instant,
    /// When the first sample after it arrived.
    pub to: Instant,
    /// Why the samples before it are gone, where they are.
    pub discontinuity: Option<Discontinuity>,
}

impl Gap {
    /// How long data was missing, by their arrival: a clock that was set does not matter.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.to.saturating_duration_since(self.from)
    }
}

/// What makes the samples after a gap another history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discontinuity {
    /// Other channels, or in another order.
    Channels,
    /// Another nominal rate.
    Rate,
}

/// What a session's headset says of itself.
#[derive(Clone, Debug, Default)]
pub struct DeviceReadings {
    /// Battery, link, contact by sensor (§5.4).
    pub dev: Option<Arc<Table>>,
    /// EEG quality by sensor (§5.5), not smoothed.
    pub eq: Option<Arc<Table>>,
}

impl DeviceReadings {
    /// Percent left, of the emptiest battery where there are two (§5.4, §5.5).
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

    /// The sensor with the worst contact, and its level; `None` for one that Cortex does not tell.
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
    /// How many channels the stream has in all; the view shows some of them.
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
    /// The gaps in the whole of the history, oldest first.
    pub gaps: Vec<Gap>,
    /// The spread that fits most channels: the median of theirs, with hysteresis, renewed at most
    /// once a second; NaN until known.
    pub spread: f32,
    /// How many channels the average holds that each channel is drawn against; `None` where it is
    /// drawn as recorded, also because too few are known to touch.
    pub averaged: Option<usize>,
    /// The spectra of the view's channels, if the view asks for them.
    pub spectra: Option<Spectra>,
    /// The samples of the window at which seconds begin: absolute index and epoch second.
    pub seconds: Vec<(u64, i64)>,
    /// The samples of the window before which Cortex's clock was set: absolute index and by how many
    /// seconds ahead.
    pub clock_steps: Vec<(u64, f64)>,
    /// The markers of the window, oldest first: absolute sample index and what they say.
    pub markers: Vec<(u64, Arc<str>)>,
    /// The samples that the view's cursors are on, whether the window holds them or not.
    pub cursors: [Option<Cursor>; 2],
}

/// The sample that a cursor is on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cursor {
    /// Its absolute index.
    pub index: u64,
    /// Its epoch seconds, if known.
    pub time: Option<f64>,
}

/// One channel's columns, oldest first; all channels have the same number. The last may still grow.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Its place among the channels of the stream.
    pub place: usize,
    /// The column's label, such as `AF3` or `ACCX`.
    pub label: Arc<str>,
    /// Filtered, one for each bin from `first_bin` on.
    pub columns: Vec<Bin>,
    /// The newest raw value.
    pub raw: Option<f64>,
    /// The bins in which a jump that lasted made its filters start again, oldest first.
    pub restarts: Vec<u64>,
    /// Median over the window, with hysteresis, for what is drawn about it to stand still; renewed
    /// at most once a second, NaN until known.
    pub median: f32,
    /// The median itself, to be read.
    pub exact_median: f32,
    /// p99 of |x − median| over the window, with hysteresis, renewed at most once a second; NaN
    /// until known.
    pub spread: f32,
    /// The filtered values of the samples that the cursors are on; NaN where the window holds none.
    pub at: [f32; 2],
}

/// Min, max, first and last (M4) of the samples in one bin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// The smallest.
    pub min: f32,
    /// The largest.
    pub max: f32,
    /// The first.
    pub first: f32,
    /// The last.
    pub last: f32,
    /// How many samples it holds; with 0 the others are NaN.
    pub count: u32,
    /// Whether samples were lost right before one of this bin's, or all of this bin: no line joins
    /// it to the past. False in a bin without an index, as there are when zoomed in.
    pub gap: bool,
}

impl Bin {
    /// A column without samples.
    pub const EMPTY: Self = Self {
        min: f32::NAN,
        max: f32::NAN,
        first: f32::NAN,
        last: f32::NAN,
        count: 0,
        gap: false,
    };
}

/// Absolute sample indices divided into columns: bin `j` of `samples` over `columns` covers
/// `[⌈j·samples/columns⌉, ⌈(j+1)·samples/columns⌉)`, counted from the start of the stream, so that
/// a closed column never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binning {
    /// Samples in a window.
    pub samples: u64,
    /// Columns in a window.
    pub columns: u64,
}

/// The latest of each stream that is not a trace, for one session. Each item is shared, so that the
/// copy in every snapshot costs next to nothing.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    /// Battery, link, contact by sensor (§5.4).
    pub dev: Option<Arc<Table>>,
    /// The contact evened out: what its sensors are ordered by.
    pub dev_smoothed: Smoothed,
    /// EEG quality by sensor (§5.5), as it came.
    pub eq: Option<Arc<Table>>,
    /// The EEG quality evened out, for it flickers by design.
    pub eq_smoothed: Smoothed,
    /// Band power by `SENSOR/band` (§5.6).
    pub pow: Option<Arc<Table>>,
    /// Performance metrics, each with its own age (§5.7).
    pub met: Vec<Metric>,
    /// Mental command, newest last, bounded (§5.8).
    pub com: VecDeque<Arc<MentalCommand>>,
    /// Facial expression, newest last, bounded (§5.9). Only changes are kept: `received` is when an
    /// expression began, its powers are the newest.
    pub fac: VecDeque<Arc<FacialExpression>>,
    /// Training events, newest last, bounded (§5.10).
    pub sys: VecDeque<Arc<TrainingEvent>>,
}

/// The newest values of a flat stream, by label.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Label and value in the order of the columns; `None` where Cortex sent null or no number.
    pub values: Vec<(String, Option<f64>)>,
    /// When it arrived.
    pub received: Instant,
}

/// Labels of `dev` and `eq` that are no sensors (§5.4, §5.5).
const NOT_SENSORS: [&str; 9] = [
    "Battery",
    "Signal",
    "OVERALL",
    "BatteryPercent",
    "batteryLeftPercent",
    "batteryRightPercent",
    "batteryPercent",
    "overall",
    "sampleRateQuality",
];

impl Table {
    /// The sensors of `dev` or `eq` and their levels, in the order of the columns.
    pub fn sensors(&self) -> impl Iterator<Item = (&str, Option<f64>)> {
        let all = self.values.iter().map(|(name, level)| (name.as_str(), *level));
        all.filter(|(name, _)| !NOT_SENSORS.contains(name))
    }

    /// The overall quality of `dev` or `eq` in per cent.
    #[must_use]
    pub fn overall(&self) -> Option<f64> {
        self.get("OVERALL").or_else(|| self.get("overall"))
    }

    /// The value under a label.
    #[must_use]
    pub fn get(&self, label: &str) -> Option<f64> {
        self.values.iter().find(|(own, _)| own == label).and_then(|&(_, value)| value)
    }
}

/// One performance metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its name in the columns, such as `eng`.
    pub name: String,
    /// The last value that was measured (not null, nor sent while `active` is false), and when it
    /// arrived.
    pub value: Option<(f64, Instant)>,
    /// Whether its detection runs (`NAME.isActive`); `None` where there is no such column.
    pub active: Option<bool>,
    /// What the last samples said of it, newest last, bounded; `None` where that was no value.
    pub history: VecDeque<Option<f64>>,
}

/// A mental command at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct MentalCommand {
    /// Such as `push`, or `neutral`.
    pub action: String,
    /// 0..1.
    pub power: Option<f64>,
    /// When it arrived.
    pub received: Instant,
}

/// A facial expression at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct FacialExpression {
    /// `neutral blink winkL winkR lookL lookR`.
    pub eyes: String,
    /// Upper face and its power.
    pub upper: (String, Option<f64>),
    /// Lower face and its power.
    pub lower: (String, Option<f64>),
    /// When it arrived.
    pub received: Instant,
}

/// A training event.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingEvent {
    /// Its texts by position (§5.10: the labels are not confirmed).
    pub texts: Vec<String>,
    /// Epoch seconds.
    pub time: Option<f64>,
    /// When it arrived.
    pub received: Instant,
}

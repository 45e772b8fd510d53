//! The meaning of a recording's columns. One table serves all known forms: names are `EEG.AF3` in
//! an `EmotivPRO` export and `AF3` in the simpler ones, ignoring case, and only the export has a
//! line of metadata.

use std::collections::{BTreeMap, BTreeSet};

use cortop_protocol::{
    Stream,
    metric::{IS_ACTIVE, MetricName},
    model::is_sensor,
};
use cortop_signal::bands::BANDS;

/// The content of a column. The values of a row are kept in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColumnKind {
    /// Epoch seconds.
    Time,
    /// The milliseconds that some files have in addition.
    TimeMillis,
    /// The sample counter.
    Counter,
    /// Whether Cortex filled in the sample.
    Interpolated,
    /// µV of a sensor.
    Sensor,
    /// Another value of `eeg`.
    Extra,
    /// The motion counter.
    MotionCounter,
    /// A motion value.
    Motion,
    /// Battery, 0..4.
    Battery,
    /// The wireless link.
    Signal,
    /// Contact quality: 0..4 for a sensor, per cent overall.
    Contact,
    /// Battery in per cent.
    BatteryPercent,
    /// Overall EEG quality in per cent.
    QualityOverall,
    /// EEG quality of the sample rate, 0..1.
    QualityRate,
    /// EEG quality of a sensor, 0..4.
    Quality,
    /// Whether a metric is active, or its value 0..1.
    Metric,
    /// Band power of a sensor in µV²/Hz.
    BandPower,
    /// A mental command by its number.
    Command,
    /// The power of a mental command, 0..1.
    CommandPower,
    /// Blinks and winks by their numbers.
    BlinkWink,
    /// Where the eyes look, by its number.
    EyesDirection,
    /// The action of the upper face by its number.
    UpperFace,
    /// Its power, 0..1.
    UpperPower,
    /// The action of the lower face by its number.
    LowerFace,
    /// Its power, 0..1.
    LowerPower,
    /// The number of a marker.
    MarkerIndex,
    /// The type of a marker: 2 for an interval.
    MarkerType,
    /// The value of a marker.
    MarkerValue,
    /// The value of a marker, or 0 if there is none.
    MarkerFlag,
    /// Nothing that is replayed.
    LeftOut,
}

impl ColumnKind {
    /// The stream to which it belongs, if any.
    #[must_use]
    pub fn stream(self) -> Option<Stream> {
        Some(match self {
            Self::Interpolated | Self::Sensor | Self::Extra => Stream::Eeg,
            Self::Motion => Stream::Mot,
            Self::Battery | Self::Signal | Self::Contact | Self::BatteryPercent => Stream::Dev,
            Self::QualityOverall | Self::QualityRate | Self::Quality => Stream::Eq,
            Self::Metric => Stream::Met,
            Self::BandPower => Stream::Pow,
            Self::Command | Self::CommandPower => Stream::Com,
            Self::BlinkWink
            | Self::EyesDirection
            | Self::UpperFace
            | Self::UpperPower
            | Self::LowerFace
            | Self::LowerPower => Stream::Fac,
            Self::Time
            | Self::TimeMillis
            | Self::Counter
            | Self::MotionCounter
            | Self::MarkerIndex
            | Self::MarkerType
            | Self::MarkerValue
            | Self::MarkerFlag
            | Self::LeftOut => return None,
        })
    }
}

/// A column of a recording.
#[derive(Debug)]
pub struct FileColumn {
    /// Its index in a line.
    pub place: usize,
    /// Its name in the file.
    pub name: String,
    /// Its content.
    pub kind: ColumnKind,
    /// Its label in the stream.
    pub label: String,
    /// The µV of its unit, if its name or a row of units gives one of voltage.
    pub microvolts: Option<f64>,
}

/// The columns of a recording, grouped by kind, otherwise in the order of the file.
#[derive(Debug, Default)]
pub struct Header {
    /// The columns.
    pub columns: Vec<FileColumn>,
    /// Whether a column `P` beside `P8` was taken for `P7`.
    pub renamed: bool,
    /// Columns with a duplicate name; the first counts.
    pub repeated: Vec<String>,
}

/// The `key:value` pairs of an export's first line, or `None` if it is not such a line. The line
/// may be quoted as one cell; a piece without a key belongs to the preceding value.
pub(crate) fn metadata(line: &str) -> Option<BTreeMap<String, String>> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for piece in line.trim_matches('"').split([',', ';', '\t']) {
        match (piece.split_once(':'), pairs.last_mut()) {
            (Some((key, value)), _) => {
                pairs.push((key.trim().to_lowercase(), value.trim().to_owned()));
            }
            (None, Some((_, value))) if !piece.trim().is_empty() => {
                *value = format!("{value};{}", piece.trim());
            }
            _ => {}
        }
    }
    let pairs: BTreeMap<_, _> = pairs.into_iter().collect();
    ["headset type", "sampling rate", "labels"]
        .iter()
        .any(|key| pairs.contains_key(*key))
        .then_some(pairs)
}

/// The message for a file that contains only the motion of a recording, with its EEG in another
/// file.
pub(crate) const MOTION_ALONE: &str =
    "it holds motion and no EEG; give the file of the same name without .md";

impl Header {
    /// Whether names are those of a motion file.
    pub(crate) fn names_motion(names: &[String]) -> bool {
        names.iter().filter(|own| meaning(own).0 == ColumnKind::Motion).count() >= 2
    }

    /// The meaning of each name, or `None` if none of them is a sensor.
    #[must_use]
    pub fn of(names: Vec<String>) -> Option<Self> {
        let has = |wanted: &str| names.iter().any(|name| name == wanted);
        let renamed = has("P") && has("P8") && !has("P7");
        let (mut seen, mut repeated) = (BTreeSet::new(), Vec::new());
        let column = |(place, name): (usize, String)| {
            let (mut kind, label) = meaning(if renamed && name == "P" { "P7" } else { &name });
            if kind != ColumnKind::LeftOut && !seen.insert((kind, label.clone())) {
                kind = ColumnKind::LeftOut;
                repeated.push(name.clone());
            }
            let microvolts = unit_of(&name).and_then(microvolts);
            FileColumn { place, name, kind, label, microvolts }
        };
        let mut columns: Vec<_> = names.into_iter().enumerate().map(column).collect();
        keep_one_clock(&mut columns);
        columns.sort_by_key(|column| column.kind);
        let header = Self { columns, renamed, repeated };
        header.has(ColumnKind::Sensor).then_some(header)
    }

    /// Leaves out columns that do not have as many samples as the EEG, or as the rest of their
    /// stream: `samples` returns the number for a column by its index.
    pub(crate) fn keep_rates(&mut self, eeg: usize, samples: impl Fn(usize) -> usize) {
        let mut usual: Vec<(Stream, usize)> = vec![(Stream::Eeg, eeg)];
        for column in &mut self.columns {
            let stream = match column.kind {
                ColumnKind::Counter => Some(Stream::Eeg),
                ColumnKind::MotionCounter => Some(Stream::Mot),
                kind => kind.stream(),
            };
            let (Some(stream), own) = (stream, samples(column.place)) else { continue };
            let known = usual.iter().find(|(other, _)| *other == stream).map(|(_, count)| *count);
            if own == 0 || known.is_some_and(|known| known != own) {
                column.kind = ColumnKind::LeftOut;
            } else if known.is_none() {
                usual.push((stream, own));
            }
        }
        self.columns.sort_by_key(|column| column.kind);
    }

    /// The labels of a stream's values, in the order of the rows.
    pub fn labels_of(&self, stream: Stream) -> impl Iterator<Item = (ColumnKind, &str)> {
        let own = self.columns.iter().filter(move |column| {
            column.kind.stream() == Some(stream) && column.kind != ColumnKind::Interpolated
        });
        own.map(|column| (column.kind, column.label.as_str()))
    }

    /// The labels of a kind.
    pub fn labels(&self, kind: ColumnKind) -> impl Iterator<Item = &str> {
        let columns = self.columns.iter().filter(move |column| column.kind == kind);
        columns.map(|column| column.label.as_str())
    }

    /// Whether there is a column of this kind.
    #[must_use]
    pub fn has(&self, kind: ColumnKind) -> bool {
        self.labels(kind).next().is_some()
    }

    /// Whether there is a column of this stream.
    #[must_use]
    pub fn has_stream(&self, stream: Stream) -> bool {
        self.columns.iter().any(|column| column.kind.stream() == Some(stream))
    }

    /// Takes the column indices of another header.
    pub(crate) fn move_to(&mut self, other: &Self) {
        for column in &mut self.columns {
            let same = |own: &&FileColumn| {
                own.kind == column.kind
                    && own.label == column.label
                    && own.kind != ColumnKind::LeftOut
            };
            // A column that no longer exists is empty.
            column.place = other.columns.iter().find(same).map_or(usize::MAX, |own| own.place);
        }
    }

    /// The columns that are not replayed, abbreviated to a family name if none of that family is.
    #[must_use]
    pub fn left_out(&self) -> Vec<String> {
        let family = |name: &str| name.split_once('.').map(|(family, _)| family.to_owned());
        let (left, played): (Vec<_>, Vec<_>) =
            self.columns.iter().partition(|own| own.kind == ColumnKind::LeftOut);
        let played: BTreeSet<_> = played.iter().filter_map(|own| family(&own.name)).collect();
        let mut found: Vec<(String, usize)> = Vec::new();
        for column in left {
            let name = &column.name;
            if name.is_empty() || self.repeated.contains(name) {
                continue;
            }
            let own = family(name).filter(|own| !played.contains(own));
            let own = own.unwrap_or_else(|| name.clone());
            match found.iter_mut().find(|(known, _)| *known == own) {
                Some((_, count)) => *count += 1,
                None => found.push((own, 1)),
            }
        }
        let named = found.into_iter().map(|(family, count)| match count {
            1 => family,
            _ => format!("{family} ({count} columns)"),
        });
        named.collect()
    }
}

/// A list of names in a sentence: the first few, and how many more there are.
#[must_use]
pub fn listed(names: &[String]) -> String {
    const SHOWN: usize = 6;
    let shown = names.get(..SHOWN).filter(|_| names.len() > SHOWN + 1).unwrap_or(names);
    let list = shown.join(", ");
    match names.len() - shown.len() {
        0 => list,
        more => format!("{list} and {more} more"),
    }
}

/// The kind of a name, and its label in its stream (§5.2 to §5.9).
fn meaning(name: &str) -> (ColumnKind, String) {
    const MOTION: [&str; 13] = [
        "Q0", "Q1", "Q2", "Q3", "GYROX", "GYROY", "GYROZ", "ACCX", "ACCY", "ACCZ", "MAGX", "MAGY",
        "MAGZ",
    ];
    let plain = plain_name(name);
    if clock_rank(&plain).is_some() {
        return (ColumnKind::Time, name.to_owned());
    }
    let (family, own) = plain.split_once('.').unwrap_or(("", &plain));
    let (family, upper) = (family.to_uppercase(), own.to_uppercase());
    let sensor = sensor_name(own);
    let raw = upper.strip_prefix("RAW_").and_then(sensor_name);
    if family == "PM"
        && let Some(label) = metric(&upper)
    {
        return (ColumnKind::Metric, label);
    }
    if family == "POW"
        && let Some(label) = power(own)
    {
        return (ColumnKind::BandPower, label);
    }
    let (kind, label) = match (family.as_str(), upper.as_str()) {
        ("EEG" | "", "TIME_STAMP_MS") => (ColumnKind::TimeMillis, own),
        ("EEG" | "", "COUNTER") => (ColumnKind::Counter, own),
        ("EEG" | "", "INTERPOLATED") => (ColumnKind::Interpolated, own),
        ("EEG" | "", "RAWCQ" | "RAW_CQ") => (ColumnKind::Extra, "RAW_CQ"),
        ("EEG" | "", "MARKERHARDWARE" | "MARKER_HARDWARE") => {
            (ColumnKind::Extra, "MARKER_HARDWARE")
        }
        ("EEG" | "", "BATTERY") => (ColumnKind::Battery, "Battery"),
        ("EEG" | "", "BATTERYPERCENT" | "BATTERY_PERCENT") => {
            (ColumnKind::BatteryPercent, "BatteryPercent")
        }
        ("EEG" | "", "SIGNAL") => (ColumnKind::Signal, "Signal"),
        ("EEG" | "", "MARKERINDEX") => (ColumnKind::MarkerIndex, own),
        ("EEG" | "", "MARKERTYPE") => (ColumnKind::MarkerType, own),
        ("EEG" | "", "MARKERVALUEINT") => (ColumnKind::MarkerValue, own),
        ("", "MARKER") => (ColumnKind::MarkerFlag, own),
        ("EEG" | "", "CONTACTQUALITY") | ("CQ", "OVERALL") => (ColumnKind::Contact, "OVERALL"),
        ("EEG", "QUALITY" | "HIGHBITFLEX") | ("CQ", "CMS" | "DRL") => (ColumnKind::LeftOut, name),
        ("EEG" | "", _) if sensor.is_some() => {
            (ColumnKind::Sensor, sensor.as_deref().unwrap_or(own))
        }
        // A sensor that is not in any list, as those of X-trodes.
        ("EEG", _) if !upper.starts_with("MARKER") && !upper.starts_with("RAW") => {
            (ColumnKind::Sensor, own)
        }
        ("", _) if upper.starts_with("CH-") => (ColumnKind::Sensor, own),
        // Mind Monitor has band powers of the same sensors beside them.
        ("", _) if raw.is_some() => (ColumnKind::Sensor, raw.as_deref().unwrap_or(own)),
        ("CQ", _) => (ColumnKind::Contact, sensor.as_deref().unwrap_or(own)),
        ("EQ", "OVERALL") => (ColumnKind::QualityOverall, "overall"),
        ("EQ", "SAMPLERATEQUALITY" | "SAMPLERATEQUA") => {
            (ColumnKind::QualityRate, "sampleRateQuality")
        }
        ("EQ", _) => (ColumnKind::Quality, sensor.as_deref().unwrap_or(own)),
        ("MOT" | "", "COUNTERMEMS" | "COUNTER_MEMS") => (ColumnKind::MotionCounter, own),
        ("MOT" | "", "INTERPOLATEDMEMS" | "INTERPOLATED_MEMS" | "INTERPOLATED_MEM") => {
            (ColumnKind::Motion, "INTERPOLATED_MEMS")
        }
        ("MOT" | "", label) if MOTION.contains(&label) => (ColumnKind::Motion, label),
        ("MC", "ACTION") => (ColumnKind::Command, "act"),
        ("MC", "ACTIONPOWER") => (ColumnKind::CommandPower, "pow"),
        ("FE", "BLINKWINK") => (ColumnKind::BlinkWink, "eyeAct"),
        ("FE", "HORIZONTALEYESDIRECTION") => (ColumnKind::EyesDirection, "eyeAct"),
        ("FE", "UPPERFACEACTION") => (ColumnKind::UpperFace, "uAct"),
        ("FE", "UPPERFACEACTIONPOWER") => (ColumnKind::UpperPower, "uPow"),
        ("FE", "LOWERFACEACTION") => (ColumnKind::LowerFace, "lAct"),
        ("FE", "LOWERFACEACTIONPOWER") => (ColumnKind::LowerPower, "lPow"),
        _ => (ColumnKind::LeftOut, name),
    };
    (kind, label.to_owned())
}

/// A name as in a CSV export: EDF has `CQ_AF3` for `CQ.AF3`, other programs `EEG AF3-Ref` or `Af3.`
/// for `AF3`.
fn plain_name(name: &str) -> String {
    let name = name.trim_end_matches('.').trim_matches('\'');
    // Some programs put the unit into the name.
    let name = unit_of(name).map_or(name, |unit| without_unit(name, unit));
    for family in ["CQ", "EQ", "MOT", "EEG"] {
        if let Some(own) = name.strip_prefix(family).and_then(|own| own.strip_prefix(['_', ' '])) {
            let sensor = own.split('-').next().unwrap_or(own);
            let known = sensor_name(sensor).is_some();
            if family == "EEG" && !known {
                break;
            }
            let own = if known { sensor } else { own };
            return format!("{family}.{own}");
        }
    }
    name.to_owned()
}

/// The units of voltage in µV.
const UNITS: [(&[&str], f64); 4] = [
    (&["uV", "µV", "μV", "microvolt", "microvolts"], 1.0),
    (&["mV", "millivolt", "millivolts"], 1e3),
    (&["V", "volt", "volts"], 1e6),
    (&["nV", "nanovolt", "nanovolts"], 1e-3),
];
/// Other units that may follow a name.
const OTHER_UNITS: [&str; 20] = [
    "s",
    "sec",
    "secs",
    "second",
    "seconds",
    "ms",
    "msec",
    "milliseconds",
    "us",
    "µs",
    "μs",
    "microseconds",
    "ns",
    "nanoseconds",
    "g",
    "deg/s",
    "uT",
    "µT",
    "%",
    "Hz",
];

/// The µV of a unit of voltage.
pub(crate) fn microvolts(unit: &str) -> Option<f64> {
    let is_own =
        |(words, _): &&(&[&str], f64)| words.iter().any(|own| own.eq_ignore_ascii_case(unit));
    UNITS.iter().find(is_own).map(|(_, microvolts)| *microvolts)
}

/// The unit after a name, with or without brackets: `AF3 (uV)`, `AF3[µV]`, `AF3_mV`, or `AF3..uV.`
/// as written by R.
fn unit_of(name: &str) -> Option<&str> {
    let name = name.trim_matches(['\'', ' ']);
    let bracketed = name.strip_suffix([')', ']']).and_then(|own| own.rsplit_once(['(', '[']));
    let dotted = || name.trim_end_matches('.').rsplit_once("..");
    let is_unit = |unit: &str| {
        microvolts(unit).is_some() || OTHER_UNITS.iter().any(|own| own.eq_ignore_ascii_case(unit))
    };
    if let Some((own, unit)) = bracketed.or_else(dotted) {
        // The brackets of a time column may describe its format.
        let unit = unit.trim();
        return (is_unit(unit) || clock_rank(own).is_some()).then_some(unit);
    }
    let (own, unit) = name.rsplit_once(['_', ' '])?;
    let sensor = own.rsplit_once('.').map_or(own, |(_, own)| own);
    (microvolts(unit).is_some() && sensor_name(sensor).is_some()).then_some(unit)
}

/// A name without the unit after it.
fn without_unit<'a>(name: &'a str, unit: &str) -> &'a str {
    let before = name.rfind(unit).and_then(|at| name.get(..at)).unwrap_or(name);
    before.trim_end_matches(['(', '[', '.', ' ', '_'])
}

/// The priority of a time column, lower first; `None` for another column. `EmotivPRO`'s own name
/// has the highest priority, processed time stamps the lowest.
fn clock_rank(name: &str) -> Option<u8> {
    const BEFORE: [&str; 20] = [
        "eeg",
        "lsl",
        "unix",
        "epoch",
        "posix",
        "utc",
        "gmt",
        "system",
        "local",
        "device",
        "host",
        "computer",
        "pc",
        "clock",
        "recording",
        "sample",
        "elapsed",
        "relative",
        "absolute",
        "date",
    ];
    const AFTER: [&str; 22] = [
        "",
        "s",
        "sec",
        "secs",
        "second",
        "seconds",
        "inseconds",
        "ms",
        "msec",
        "milliseconds",
        "us",
        "microseconds",
        "ns",
        "nanoseconds",
        "utc",
        "gmt",
        "local",
        "lsl",
        "unix",
        "epoch",
        "ofday",
        "iso",
    ];
    const ALONE: [&str; 14] = [
        "t",
        "sec",
        "secs",
        "seconds",
        "millis",
        "milliseconds",
        "microseconds",
        "datetime",
        // In German, French, Spanish, and Italian or Portuguese.
        "zeit",
        "zeitstempel",
        "temps",
        "horodatage",
        "tiempo",
        "tempo",
    ];
    let letters = name.chars().filter(|own| own.is_alphanumeric());
    let own: String = letters.flat_map(char::to_lowercase).collect();
    match own.as_str() {
        "timestampms" if name.eq_ignore_ascii_case("TIME_STAMP_ms") => return None,
        "timestamp" | "eegtimestamp" => return Some(0),
        "timestamps" if name.eq_ignore_ascii_case("TIME_STAMP_s") => return Some(0),
        own if ALONE.contains(&own) => return Some(1),
        _ => {}
    }
    let (mut rest, mut rank) = (own.as_str(), 1);
    if let Some(own) = rest.strip_prefix("original") {
        (rest, rank) = (own, 2);
    }
    while let Some(own) = BEFORE.iter().find_map(|word| rest.strip_prefix(word)) {
        rest = own;
    }
    // OpenViBE puts the rate into the name: `Time:128Hz`.
    let rest = name
        .split_once(':')
        .map_or(rest, |(own, _)| if own.eq_ignore_ascii_case("time") { "time" } else { rest });
    let mut words = ["timestamps", "timestamp", "times", "time"].iter();
    words
        .any(|word| rest.strip_prefix(word).is_some_and(|unit| AFTER.contains(&unit)))
        .then_some(rank)
}

/// Leaves out all time columns but the one with the highest priority.
fn keep_one_clock(columns: &mut [FileColumn]) {
    let clocks = columns.iter().filter(|own| own.kind == ColumnKind::Time);
    let first = clocks
        .min_by_key(|own| (clock_rank(&plain_name(&own.label)), own.place))
        .map(|own| own.place);
    for other in columns.iter_mut().filter(|own| own.kind == ColumnKind::Time) {
        if Some(other.place) != first {
            other.kind = ColumnKind::LeftOut;
        }
    }
}

/// The usual spelling of a 10-10 position, ignoring the case of the name.
fn sensor_name(name: &str) -> Option<String> {
    if is_sensor(name) {
        return Some(name.to_owned());
    }
    let upper = name.to_uppercase().replace("FP", "Fp");
    let usual = upper.strip_suffix('Z').map_or(upper.clone(), |place| format!("{place}z"));
    is_sensor(&usual).then_some(usual)
}

/// The label in `met` of a metric's column (§5.7), given its name in upper case; `None` for raw
/// values and ranges.
fn metric(name: &str) -> Option<String> {
    if let Some(own) = MetricName::of_export(name).filter(|own| own.label == "lex") {
        return Some(own.label.to_owned());
    }
    let (name, part) = name.split_once('.')?;
    let label = MetricName::of_export(name)?.label;
    match part {
        "ISACTIVE" => Some(format!("{label}{IS_ACTIVE}")),
        "SCALED" => Some(label.to_owned()),
        _ => None,
    }
}

/// The label in `pow` of a band power column (§5.6).
fn power(name: &str) -> Option<String> {
    let (sensor, band) = name.rsplit_once('.')?;
    let band = BANDS.iter().find(|own| own.name.eq_ignore_ascii_case(band))?;
    let sensor = sensor_name(sensor).unwrap_or_else(|| sensor.to_owned());
    Some(format!("{sensor}/{}", band.name))
}

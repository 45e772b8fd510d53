//! What the columns of a recording mean. One table serves all known forms: names are `EEG.AF3` in
//! an `EmotivPRO` export and `AF3` in the simpler ones, in any case, and only the export has a line
//! of metadata.

use std::collections::{BTreeMap, BTreeSet};

use cortop_signal::bands::BANDS;

use super::lines::cells;
use crate::model::is_sensor;
use cortop_protocol::metric::{IS_ACTIVE, MetricName};

/// What a column holds, in the order in which the cells of a row are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ColumnKind {
    /// Epoch seconds.
    Time,
    /// The sample counter.
    Counter,
    /// Whether Cortex filled the sample in.
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
    /// Contact quality: 0..4 of a sensor, per cent of all.
    Contact,
    /// Battery in per cent.
    BatteryPercent,
    /// EEG quality of all in per cent, of the rate, and 0..4 of a sensor.
    QualityOverall,
    QualityRate,
    Quality,
    /// Whether a metric is active, or its value 0..1.
    Metric,
    /// µV²/Hz of a sensor in a band.
    BandPower,
    /// A mental command by its number, and its power.
    Command,
    CommandPower,
    /// Eyes, and the actions of the upper and lower face by their numbers, and their powers.
    BlinkWink,
    EyesDirection,
    UpperFace,
    UpperPower,
    LowerFace,
    LowerPower,
    /// The number of a marker, its type, and its value.
    MarkerIndex,
    MarkerType,
    MarkerValue,
    /// Nothing that is replayed.
    LeftOut,
}

/// The streams that the columns belong to, as the rows keep their cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColumnGroup {
    Eeg,
    Motion,
    Dev,
    Quality,
    Metrics,
    Power,
    Commands,
    Face,
}

impl ColumnGroup {
    pub(super) const COUNT: usize = 8;
}

impl ColumnKind {
    /// The stream it belongs to; `None` for what stands by itself.
    pub(super) fn group(self) -> Option<ColumnGroup> {
        Some(match self {
            Self::Interpolated | Self::Sensor | Self::Extra => ColumnGroup::Eeg,
            Self::Motion => ColumnGroup::Motion,
            Self::Battery | Self::Signal | Self::Contact | Self::BatteryPercent => ColumnGroup::Dev,
            Self::QualityOverall | Self::QualityRate | Self::Quality => ColumnGroup::Quality,
            Self::Metric => ColumnGroup::Metrics,
            Self::BandPower => ColumnGroup::Power,
            Self::Command | Self::CommandPower => ColumnGroup::Commands,
            Self::BlinkWink
            | Self::EyesDirection
            | Self::UpperFace
            | Self::UpperPower
            | Self::LowerFace
            | Self::LowerPower => ColumnGroup::Face,
            Self::Time
            | Self::Counter
            | Self::MotionCounter
            | Self::MarkerIndex
            | Self::MarkerType
            | Self::MarkerValue
            | Self::LeftOut => return None,
        })
    }
}

/// A column of a recording.
#[derive(Debug)]
pub(super) struct FileColumn {
    /// Its place in a line.
    pub(super) place: usize,
    /// Its name in the file.
    pub(super) name: String,
    /// What it holds.
    pub(super) kind: ColumnKind,
    /// Its label in the stream.
    pub(super) label: String,
}

/// The columns of a recording, those of a kind together, else in the order of the file.
pub(super) struct Header {
    pub(super) columns: Vec<FileColumn>,
    /// A column `P` beside `P8` was taken for `P7`.
    pub(super) renamed: bool,
    /// Columns whose name stands twice; the first counts.
    pub(super) repeated: Vec<String>,
}

/// `key:value` pairs of an export's first line, or `None` if this is no such line. The line may
/// stand in quotes as one cell; a piece without a key belongs to the value before it.
pub(super) fn metadata(line: &str) -> Option<BTreeMap<String, String>> {
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
    ["headset type", "sampling rate"].iter().any(|key| pairs.contains_key(*key)).then_some(pairs)
}

impl Header {
    /// The meaning of each name, or `None` if there is not one sensor among them.
    pub(super) fn parse(line: &str, separator: char) -> Option<Self> {
        let names = names(&cells(line, separator));
        let has = |wanted: &str| names.iter().any(|name| name == wanted);
        let renamed = has("P") && has("P8") && !has("P7");
        let (mut seen, mut repeated) = (BTreeSet::new(), Vec::new());
        let column = |(place, name): (usize, String)| {
            let (mut kind, label) = meaning(if renamed && name == "P" { "P7" } else { &name });
            if kind != ColumnKind::LeftOut && !seen.insert((kind, label.clone())) {
                kind = ColumnKind::LeftOut;
                repeated.push(name.clone());
            }
            FileColumn { place, name, kind, label }
        };
        let mut columns: Vec<_> = names.into_iter().enumerate().map(column).collect();
        columns.sort_by_key(|column| column.kind);
        let header = Self { columns, renamed, repeated };
        header.has(ColumnKind::Sensor).then_some(header)
    }

    /// The labels of a kind.
    pub(super) fn labels(&self, kind: ColumnKind) -> impl Iterator<Item = &str> {
        let columns = self.columns.iter().filter(move |column| column.kind == kind);
        columns.map(|column| column.label.as_str())
    }

    /// Whether there is a column of this kind.
    pub(super) fn has(&self, kind: ColumnKind) -> bool {
        self.labels(kind).next().is_some()
    }

    /// Whether there is a column of this stream.
    pub(super) fn has_group(&self, group: ColumnGroup) -> bool {
        self.columns.iter().any(|column| column.kind.group() == Some(group))
    }

    /// Whether a line has the names again.
    pub(super) fn is_repeated_by(&self, cells: &[String]) -> bool {
        let same = |column: &FileColumn| cells.get(column.place) == Some(&column.name);
        self.columns.iter().filter(|column| column.kind == ColumnKind::Sensor).all(same)
    }

    /// The columns that are not replayed, those of one family together.
    pub(super) fn left_out(&self) -> Vec<String> {
        let mut families: Vec<(&str, usize)> = Vec::new();
        for name in self.columns.iter().filter(|own| own.kind == ColumnKind::LeftOut) {
            let name = name.name.as_str();
            let family = name.split_once('.').map_or(name, |(family, _)| family);
            match families.iter_mut().find(|(known, _)| *known == family) {
                Some((_, count)) => *count += 1,
                None if !name.is_empty() => families.push((family, 1)),
                None => {}
            }
        }
        let named = families.into_iter().map(|(family, count)| match count {
            1 => family.to_owned(),
            _ => format!("{family} ({count} columns)"),
        });
        named.collect()
    }
}

/// The names of a header line; a name in brackets may hold commas (`MARKERS['Blank','Image']`).
fn names(cells: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut open = false;
    for cell in cells {
        match names.last_mut().filter(|_| open) {
            Some(name) => {
                name.push(',');
                name.push_str(cell);
            }
            None => names.push(cell.clone()),
        }
        open = names.last().is_some_and(|name| name.contains('[') && !name.contains(']'));
    }
    names
}

/// What a name means, and its label in the stream it belongs to (§5.2 to §5.9).
fn meaning(name: &str) -> (ColumnKind, String) {
    const MOTION: [&str; 13] = [
        "Q0", "Q1", "Q2", "Q3", "GYROX", "GYROY", "GYROZ", "ACCX", "ACCY", "ACCZ", "MAGX", "MAGY",
        "MAGZ",
    ];
    let (family, own) = name.split_once('.').unwrap_or(("", name));
    let (family, upper) = (family.to_uppercase(), own.to_uppercase());
    let sensor = sensor_name(own);
    let (kind, label) = match (family.as_str(), upper.as_str()) {
        ("EEG" | "", "TIMESTAMP") => (ColumnKind::Time, own),
        ("EEG" | "", "COUNTER") => (ColumnKind::Counter, own),
        ("EEG" | "", "INTERPOLATED") => (ColumnKind::Interpolated, own),
        ("EEG" | "", "RAWCQ") => (ColumnKind::Extra, "RAW_CQ"),
        ("EEG" | "", "MARKERHARDWARE") => (ColumnKind::Extra, "MARKER_HARDWARE"),
        ("EEG" | "", "BATTERY") => (ColumnKind::Battery, "Battery"),
        ("EEG" | "", "BATTERYPERCENT") => (ColumnKind::BatteryPercent, "BatteryPercent"),
        ("EEG" | "", "SIGNAL") => (ColumnKind::Signal, "Signal"),
        ("EEG" | "", "MARKERINDEX") => (ColumnKind::MarkerIndex, own),
        ("EEG" | "", "MARKERTYPE") => (ColumnKind::MarkerType, own),
        ("EEG" | "", "MARKERVALUEINT") => (ColumnKind::MarkerValue, own),
        ("EEG" | "", "CONTACTQUALITY") | ("CQ", "OVERALL") => (ColumnKind::Contact, "OVERALL"),
        ("EEG", "QUALITY" | "HIGHBITFLEX") => (ColumnKind::LeftOut, name),
        ("EEG" | "", _) if let Some(sensor) = &sensor => (ColumnKind::Sensor, sensor.as_str()),
        // A sensor that is in no list, as X-trodes have them.
        ("EEG", _) if !upper.starts_with("MARKER") && !upper.starts_with("RAW") => {
            (ColumnKind::Sensor, own)
        }
        ("", _) if upper.starts_with("CH-") => (ColumnKind::Sensor, own),
        ("CQ", _) => (ColumnKind::Contact, sensor.as_deref().unwrap_or(own)),
        ("EQ", "OVERALL") => (ColumnKind::QualityOverall, "overall"),
        ("EQ", "SAMPLERATEQUALITY") => (ColumnKind::QualityRate, "sampleRateQuality"),
        ("EQ", _) => (ColumnKind::Quality, sensor.as_deref().unwrap_or(own)),
        ("MOT", "COUNTERMEMS") => (ColumnKind::MotionCounter, own),
        ("MOT", "INTERPOLATEDMEMS") => (ColumnKind::Motion, "INTERPOLATED_MEMS"),
        ("MOT", label) if MOTION.contains(&label) => (ColumnKind::Motion, label),
        ("PM", _) if let Some(label) = metric(&upper) => return (ColumnKind::Metric, label),
        ("POW", _) if let Some(label) = power(own) => return (ColumnKind::BandPower, label),
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

/// A place of the 10-10 system in its usual spelling, whatever the case of the name.
fn sensor_name(name: &str) -> Option<String> {
    if is_sensor(name) {
        return Some(name.to_owned());
    }
    let upper = name.to_uppercase().replace("FP", "Fp");
    let usual = upper.strip_suffix('Z').map_or(upper.clone(), |place| format!("{place}z"));
    is_sensor(&usual).then_some(usual)
}

/// The label in `met` of a metric's column (§5.7), its name in upper case; raw values and ranges
/// have none.
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

/// The label in `pow` of a band's column (§5.6).
fn power(name: &str) -> Option<String> {
    let (sensor, band) = name.rsplit_once('.')?;
    let band = BANDS.iter().find(|own| own.name.eq_ignore_ascii_case(band))?;
    let sensor = sensor_name(sensor).unwrap_or_else(|| sensor.to_owned());
    Some(format!("{sensor}/{}", band.name))
}

//! What the columns of a recording mean. One table serves all known forms: names are `EEG.AF3` in
//! an `EmotivPRO` export and `AF3` in the simpler ones, and only the export has a line of metadata.

use std::collections::BTreeMap;

use csv::StringRecord;

use crate::model::is_sensor;

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
    /// Battery, 0..4.
    Battery,
    /// Contact quality: 0..4 of a sensor, per cent of all.
    Contact,
    /// The motion counter.
    MotionCounter,
    /// A motion value.
    MotionFormat,
    /// Whether a metric is active, or its value 0..1.
    Metric,
    /// µV²/Hz of a sensor in a band.
    BandPower,
    /// The number of a marker, its type, and its value.
    MarkerIndex,
    MarkerType,
    MarkerValue,
    /// Nothing that is replayed.
    LeftOut,
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
    pub(super) fields: Vec<FileColumn>,
    /// A column `P` beside `P8` was taken for `P7`.
    pub(super) renamed: bool,
}

/// `key:value` pairs of an export's first line, or `None` if this is no such line.
pub(super) fn metadata(line: &StringRecord) -> Option<BTreeMap<String, String>> {
    let pairs: BTreeMap<String, String> = line
        .iter()
        .filter_map(|field| field.split_once(':'))
        .map(|(key, value)| (key.trim().to_lowercase(), value.trim().to_owned()))
        .collect();
    ["headset type", "sampling rate"].iter().any(|key| pairs.contains_key(*key)).then_some(pairs)
}

impl Header {
    /// The meaning of each name, or `None` if there is not one sensor among them.
    pub(super) fn parse(line: &StringRecord) -> Option<Self> {
        let names = names(line);
        let has = |wanted: &str| names.iter().any(|name| name == wanted);
        let renamed = has("P") && has("P8") && !has("P7");
        let field = |(place, name): (usize, String)| {
            let (kind, label) = meaning(if renamed && name == "P" { "P7" } else { &name });
            FileColumn { place, name, kind, label }
        };
        let mut fields: Vec<_> = names.into_iter().enumerate().map(field).collect();
        fields.sort_by_key(|field| field.kind);
        let header = Self { fields, renamed };
        header.has(ColumnKind::Sensor).then_some(header)
    }

    /// The labels of a kind.
    pub(super) fn labels(&self, kind: ColumnKind) -> impl Iterator<Item = &str> {
        let fields = self.fields.iter().filter(move |field| field.kind == kind);
        fields.map(|field| field.label.as_str())
    }

    /// Whether there is a column of this kind.
    pub(super) fn has(&self, kind: ColumnKind) -> bool {
        self.labels(kind).next().is_some()
    }

    /// The columns that are not replayed, those of one family together.
    pub(super) fn left_out(&self) -> Vec<String> {
        let mut families: Vec<(&str, usize)> = Vec::new();
        for name in self.labels(ColumnKind::LeftOut) {
            let family = name.split_once('.').map_or(name, |(family, _)| family);
            match families.iter_mut().find(|(known, _)| *known == family) {
                Some((_, count)) => *count += 1,
                None => families.push((family, 1)),
            }
        }
        let told = families.into_iter().map(|(family, count)| match count {
            1 => family.to_owned(),
            _ => format!("{family} ({count} columns)"),
        });
        told.collect()
    }
}

/// The names of a header line; a name in brackets may hold commas (`MARKERS['Blank','Image']`).
fn names(line: &StringRecord) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut open = false;
    for field in line {
        match names.last_mut().filter(|_| open) {
            Some(name) => {
                name.push(',');
                name.push_str(field);
            }
            None => names.push(field.to_owned()),
        }
        open = names.last().is_some_and(|name| name.contains('[') && !name.contains(']'));
    }
    names
}

/// What a name means, and its label in the stream it belongs to (§5.2 to §5.4).
fn meaning(name: &str) -> (ColumnKind, String) {
    const MOTION: [&str; 13] = [
        "Q0", "Q1", "Q2", "Q3", "GYROX", "GYROY", "GYROZ", "ACCX", "ACCY", "ACCZ", "MAGX", "MAGY",
        "MAGZ",
    ];
    let (family, own) = name.split_once('.').unwrap_or(("EEG", name));
    let upper = own.to_uppercase();
    let (kind, label) = match (family, upper.as_str()) {
        ("EEG", "TIMESTAMP") => (ColumnKind::Time, own),
        ("EEG", "COUNTER") => (ColumnKind::Counter, own),
        ("EEG", "INTERPOLATED") => (ColumnKind::Interpolated, own),
        ("EEG", "RAWCQ") => (ColumnKind::Extra, "RAW_CQ"),
        ("EEG", "MARKERHARDWARE") => (ColumnKind::Extra, "MARKER_HARDWARE"),
        ("EEG", "BATTERY") => (ColumnKind::Battery, "Battery"),
        ("EEG", _) if is_sensor(own) => (ColumnKind::Sensor, own),
        ("EEG", "CONTACTQUALITY") | ("CQ", "OVERALL") => (ColumnKind::Contact, "OVERALL"),
        ("CQ", _) if is_sensor(own) => (ColumnKind::Contact, own),
        ("MOT", "COUNTERMEMS") => (ColumnKind::MotionCounter, own),
        ("MOT", "INTERPOLATEDMEMS") => (ColumnKind::MotionFormat, "INTERPOLATED_MEMS"),
        ("MOT", label) if MOTION.contains(&label) => (ColumnKind::MotionFormat, label),
        ("EEG", "MARKERINDEX") => (ColumnKind::MarkerIndex, own),
        ("EEG", "MARKERTYPE") => (ColumnKind::MarkerType, own),
        ("EEG", "MARKERVALUEINT") => (ColumnKind::MarkerValue, own),
        ("PM", _) if metric(own).is_some() => {
            return (ColumnKind::Metric, metric(own).unwrap_or_default());
        }
        ("POW", _) if power(own).is_some() => {
            return (ColumnKind::BandPower, power(own).unwrap_or_default());
        }
        _ => (ColumnKind::LeftOut, name),
    };
    (kind, label.to_owned())
}

/// The label in `met` of a metric's column (§5.7); raw values and ranges have none.
fn metric(name: &str) -> Option<String> {
    if name == "LongTermExcitement" {
        return Some("lex".to_owned());
    }
    let (name, part) = name.split_once('.')?;
    let label = match name {
        "Engagement" => "eng",
        "Excitement" => "exc",
        "Stress" => "str",
        "Relaxation" => "rel",
        "Interest" => "int",
        "Focus" => "foc",
        "Attention" => "attention",
        "VisualAttention" => "visualAttention",
        "AuditoryAttention" => "auditoryAttention",
        "CognitiveStress" => "cognitiveStress",
        _ => return None,
    };
    match part {
        "IsActive" => Some(format!("{label}.isActive")),
        "Scaled" => Some(label.to_owned()),
        _ => None,
    }
}

/// The label in `pow` of a band's column (§5.6).
fn power(name: &str) -> Option<String> {
    let (sensor, band) = name.split_once('.')?;
    let band = match band {
        "Theta" => "theta",
        "Alpha" => "alpha",
        "BetaL" => "betaL",
        "BetaH" => "betaH",
        "Gamma" => "gamma",
        _ => return None,
    };
    is_sensor(sensor).then(|| format!("{sensor}/{band}"))
}

//! From the rows of a file to a recording: its times, its counters, the headset it seems to come
//! from, and what the user should know about it.

use std::{collections::BTreeMap, path::Path};

use super::{
    Recording, Series,
    header::{ColumnKind, Header},
    markers,
    rows::Rows,
    track::{Counter, Track},
};
use crate::{
    model::{MotionFormat, Spec},
    noise::slot,
    source::SampleSource as _,
};
use cortop_protocol::{
    HeadsetId, Stream,
    model::{EPOC_SENSORS, INSIGHT_SENSORS, MN8_SENSORS, Model},
    sample::{Column, Columns},
};

type Metadata = BTreeMap<String, String>;

/// Puts a recording together; `rows` has two at least.
pub(super) fn recording(
    file: &Path,
    metadata: &Metadata,
    header: &Header,
    rows: Rows,
) -> Recording {
    let eeg_rate = nominal_rate(metadata, &rows.times);
    let counter = counter(&rows.counters, rows.len, f64::from(eeg_rate));
    let times: Vec<f64> = match rows.times.first() {
        Some(first) => rows.times.iter().map(|time| time - first).collect(),
        None => counter.steps().iter().map(|&step| step as f64 / f64::from(eeg_rate)).collect(),
    };
    let last = times.last().copied().unwrap_or_default();
    let steps = counter.steps().last().map_or(1.0, |&steps| steps.max(1) as f64);
    let period = last + last / steps;
    let at = |rows: &[usize]| rows.iter().filter_map(|&row| times.get(row).copied()).collect();

    let moved = rows.moved.len();
    let mems_rate = rate_in(metadata, "mot_").unwrap_or_else(|| (moved as f64 / period).round());
    let motion = (moved > 0).then(|| {
        let counter = self::counter(&rows.motion_counters, moved, mems_rate);
        Series {
            track: Track::new(at(&rows.moved), counter, rows.motion, period),
            columns: flat(
                ["COUNTER_MEMS"].into_iter().chain(header.labels(ColumnKind::MotionFormat)),
            ),
        }
    });
    let slow = |kind: ColumnKind, places: &[usize], cells: Vec<f64>| {
        (!places.is_empty()).then(|| Series {
            track: Track::new(at(places), Counter::made_up(places.len(), 1), cells, period),
            columns: flat(header.labels(kind)),
        })
    };
    let metrics = slow(ColumnKind::Metric, &rows.rated, rows.metrics);
    let power = slow(ColumnKind::BandPower, &rows.powered, rows.power);
    let changes = rows.touched.len();
    let contact = (changes > 0).then(|| {
        let counter = Counter::made_up(changes, 1);
        let Columns(mut columns) = flat(header.labels(ColumnKind::Battery));
        columns
            .push(Column::Group(header.labels(ColumnKind::Contact).map(str::to_owned).collect()));
        Series {
            track: Track::new(at(&rows.touched), counter, rows.contact, period),
            columns: Columns(columns),
        }
    });
    let labels = ["COUNTER", "INTERPOLATED"]
        .into_iter()
        .chain(header.labels(ColumnKind::Sensor))
        .chain(header.labels(ColumnKind::Extra))
        .chain(["MARKERS"]);
    let eeg = Series { columns: flat(labels), track: Track::new(times, counter, rows.eeg, period) };

    let spec = spec(metadata, header, eeg_rate, mems_rate);
    let id = metadata.get("headset serial").map(|serial| format!("{}-{serial}", spec.prefix));
    let mut recording = Recording {
        spec,
        id: id.map(HeadsetId::from),
        notes: Vec::new(),
        interpolated: header.has(ColumnKind::Interpolated),
        eeg,
        motion,
        contact,
        metrics,
        power,
        markers: markers::of(file, &rows.marked),
    };
    recording.notes = notes(&recording, file, header, period);
    recording
}

fn flat<'a>(labels: impl Iterator<Item = &'a str>) -> Columns {
    Columns(labels.map(|label| Column::One(label.to_owned())).collect())
}

/// The counter of the file if it has one in every row, else one that counts them.
fn counter(counted: &[u64], rows: usize, rate: f64) -> Counter {
    let (wrap, _) = slot(rate);
    if counted.len() == rows {
        Counter::recorded(counted, wrap)
    } else {
        Counter::made_up(rows, wrap)
    }
}

/// What the user should know before believing the picture.
fn notes(recording: &Recording, file: &Path, header: &Header, period: f64) -> Vec<String> {
    let Spec { model, sensors, eeg_rate, .. } = &recording.spec;
    let (name, channels) = (file.display(), sensors.len());
    let mut notes = vec![format!(
        "{name}: {period:.1} s of {channels} channels, taken for an {}, replayed in a loop.",
        model.name()
    )];
    if !header.has(ColumnKind::Time) {
        notes.push(format!("It has no timestamps: {eeg_rate} Hz is assumed."));
    }
    if !header.has(ColumnKind::Counter) {
        notes.push("It has no counter: its rows are counted, so loss cannot be seen.".into());
    }
    if header.renamed {
        notes.push("Its column P is taken for P7.".into());
    }
    let missing = recording.eeg.track.missing();
    if missing > 0 {
        notes.push(format!("{missing} samples are missing in the recording itself."));
    }
    let left_out = header.left_out();
    if !left_out.is_empty() {
        notes.push(format!("Left out: {}.", left_out.join(", ")));
    }
    let refused: Vec<_> = Stream::ALL
        .into_iter()
        .filter(|stream| *stream != Stream::Sys && recording.columns(*stream).is_none())
        .map(Stream::name)
        .collect();
    notes.push(format!("Not replayed, and refused: the streams {}.", refused.join(" ")));
    notes
}

/// The model of the metadata, else the one whose sensors these are.
fn spec(metadata: &Metadata, header: &Header, eeg_rate: u32, mems_rate: f64) -> Spec {
    let told = metadata.get("headset type").map(|kind| Model::from_id(&format!("{kind}-").into()));
    let sensors: Vec<_> = header.labels(ColumnKind::Sensor).map(str::to_owned).collect();
    let has = |label: &str| header.labels(ColumnKind::MotionFormat).any(|own| own == label);
    let motion = match (has("Q0"), header.has(ColumnKind::MotionFormat)) {
        (true, _) => MotionFormat::Quaternion,
        (false, true) => MotionFormat::RawGyro,
        (false, false) => MotionFormat::None,
    };
    let of = |known: &[&str]| {
        sensors.len() == known.len() && sensors.iter().all(|name| known.contains(&name.as_str()))
    };
    let guessed = if of(&EPOC_SENSORS) {
        if motion == MotionFormat::None { Model::Epoc } else { Model::EpocPlus }
    } else if of(&INSIGHT_SENSORS) {
        Model::Insight
    } else if of(&MN8_SENSORS) {
        Model::Mn8
    } else {
        Model::EpocFlex
    };
    let spec = told.and_then(Spec::of).or_else(|| Spec::of(guessed));
    let mems_rate = if motion == MotionFormat::None { 0.0 } else { mems_rate };
    let firmware = metadata.get("headset firmware").cloned();
    let spec = spec.unwrap_or_else(Spec::epoc);
    Spec {
        sensors,
        eeg_rate,
        mems_rate,
        motion,
        firmware: firmware.unwrap_or(spec.firmware),
        ..spec
    }
}

/// The EEG rate of the metadata, else the one of the headsets' rates nearest to the timestamps.
fn nominal_rate(metadata: &Metadata, times: &[f64]) -> u32 {
    let told = rate_in(metadata, "eeg_");
    let measured = times
        .first()
        .zip(times.last())
        .map(|(first, last)| (times.len() - 1) as f64 / (last - first));
    let rate = told.or(measured).unwrap_or(128.0);
    if rate < 192.0 { 128 } else { 256 }
}

/// A rate from `sampling rate:eeg_128;mot_64`.
fn rate_in(metadata: &Metadata, prefix: &str) -> Option<f64> {
    let rates = metadata.get("sampling rate")?.split(';');
    rates.filter_map(|rate| rate.trim().strip_prefix(prefix)).find_map(|hz| hz.parse().ok())
}

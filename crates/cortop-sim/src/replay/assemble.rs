//! From the rows of a file to a recording: its times, its counters, the headset it seems to come
//! from, and what the user should know about it.

use std::{collections::BTreeMap, path::Path};

use super::{
    RecordedStream, Recording,
    header::{ColumnGroup, ColumnKind, Header},
    markers,
    rows::{RecordedCells, Repairs, Rows},
    track::{ReplayedCounter, Track},
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

/// Puts a recording together; `rows` has two at least. `once`: it can be read, and is played, only
/// once.
pub(super) fn recording(
    file: &Path,
    metadata: &Metadata,
    header: &Header,
    mut rows: Rows,
    once: bool,
) -> Recording {
    let eeg_rate = nominal_rate(metadata, &rows);
    let rate = f64::from(eeg_rate);
    let counter = if rows.counters.len() == rows.len {
        ReplayedCounter::recorded(&rows.counters, eeg_rate.into())
    } else {
        ReplayedCounter::made_up(&rows.places, eeg_rate.into())
    };
    let times = times(&mut rows, &counter, rate);
    let last = times.last().copied().unwrap_or_default();
    let steps = counter.steps().last().map_or(1.0, |&steps| steps.max(1) as f64);
    let period = last + last / steps;
    let at = |rows: &[usize]| rows.iter().filter_map(|&row| times.get(row).copied()).collect();
    let finished = |track: Track| if once { track.once() } else { track };

    let moved = rows.take(ColumnGroup::Motion);
    let samples = moved.rows.len();
    let mems_rate = rate_in(metadata, "mot_").unwrap_or_else(|| (samples as f64 / period).round());
    let motion = header.has_group(ColumnGroup::Motion).then(|| {
        let wrap = slot(mems_rate).0;
        let counter = if rows.motion_counters.len() == samples {
            ReplayedCounter::recorded(&rows.motion_counters, wrap)
        } else {
            ReplayedCounter::made_up(&(0..samples as u64).collect::<Vec<_>>(), wrap)
        };
        RecordedStream {
            track: finished(Track::new(at(&moved.rows), counter, moved.cells, period)),
            columns: flat(["COUNTER_MEMS"].into_iter().chain(header.labels(ColumnKind::Motion))),
            kinds: Vec::new(),
        }
    });
    let mut series = |group: ColumnGroup, columns: Columns| {
        let RecordedCells { rows, cells } = rows.take(group);
        let counter = ReplayedCounter::made_up(&(0..rows.len() as u64).collect::<Vec<_>>(), 1);
        header.has_group(group).then(|| RecordedStream {
            track: finished(Track::new(at(&rows), counter, cells, period)),
            columns,
            kinds: header
                .columns
                .iter()
                .map(|column| column.kind)
                .filter(|kind| kind.group() == Some(group))
                .collect(),
        })
    };
    let streams = [
        (Stream::Dev, series(ColumnGroup::Dev, dev_columns(header))),
        (Stream::Eq, series(ColumnGroup::Quality, flat(labels(header, ColumnGroup::Quality)))),
        (Stream::Met, series(ColumnGroup::Metrics, flat(labels(header, ColumnGroup::Metrics)))),
        (Stream::Pow, series(ColumnGroup::Power, flat(labels(header, ColumnGroup::Power)))),
        (Stream::Com, series(ColumnGroup::Commands, flat(labels(header, ColumnGroup::Commands)))),
        (Stream::Fac, series(ColumnGroup::Face, flat(labels(header, ColumnGroup::Face)))),
    ];
    let eeg = rows.take(ColumnGroup::Eeg);
    let columns = ["COUNTER", "INTERPOLATED"]
        .into_iter()
        .chain(header.labels(ColumnKind::Sensor))
        .chain(header.labels(ColumnKind::Extra))
        .chain(["MARKERS"]);
    let eeg = RecordedStream {
        columns: flat(columns),
        track: finished(Track::new(times, counter, eeg.cells, period)),
        kinds: Vec::new(),
    };
    let streams = streams.into_iter().chain([(Stream::Mot, motion)]);
    let streams = streams.filter_map(|(stream, series)| Some((stream, series?))).collect();

    let spec = spec(metadata, header, eeg_rate, mems_rate);
    let id =
        metadata.get("headset serial").map(|serial| format!("{}-{serial}", spec.model.prefix()));
    let (markers, named) = markers::of(file, &rows.marked);
    let mut recording =
        Recording { spec, id: id.map(HeadsetId::from), notes: Vec::new(), eeg, streams, markers };
    recording.notes = notes(&recording, file, header, period, once);
    if !named && !rows.marked.is_empty() {
        recording.notes.push(
            "Its rows have markers, and no file beside it says what they mean: they are numbered."
                .into(),
        );
    }
    recording.notes.push(repairs(&rows.repairs));
    recording
}

/// Seconds of each row since the first. Where the file has none, or they do not rise, rows are
/// spread evenly by their counter.
fn times(rows: &mut Rows, counter: &ReplayedCounter, rate: f64) -> Vec<f64> {
    let known = rows.times.iter().all(|time| time.is_finite());
    let rises = |pair: &&[f64]| !matches!(pair, [before, after] if before < after);
    let falls = rows.times.windows(2).filter(rises).count() as u64;
    let first = rows.times.iter().copied().find(|time| time.is_finite());
    if known && falls == 0 {
        let first = first.unwrap_or_default();
        return rows.times.iter().map(|time| time - first).collect();
    }
    if first.is_some() {
        rows.repairs.times = falls;
    }
    counter.steps().iter().map(|&step| step as f64 / rate).collect()
}

/// The labels of a stream in the order of its cells, each once.
fn labels(header: &Header, group: ColumnGroup) -> impl Iterator<Item = &str> {
    let own = header.columns.iter().filter(move |column| column.kind.group() == Some(group));
    let mut last = "";
    own.map(|column| column.label.as_str()).filter(move |label| {
        let is_new = *label != last;
        last = label;
        is_new
    })
}

/// The columns of `dev`, contact quality in a group of its own (§5.4).
fn dev_columns(header: &Header) -> Columns {
    let one = |kind| header.labels(kind).map(|label| Column::One(label.to_owned()));
    let contact: Vec<_> = header.labels(ColumnKind::Contact).map(str::to_owned).collect();
    let contact = (!contact.is_empty()).then_some(Column::Group(contact));
    Columns(
        one(ColumnKind::Battery)
            .chain(one(ColumnKind::Signal))
            .chain(contact)
            .chain(one(ColumnKind::BatteryPercent))
            .collect(),
    )
}

/// What was read, what was repaired, what was dropped.
fn repairs(repairs: &Repairs) -> String {
    let mut sentences = vec![format!("Rows read: {}.", repairs.read)];
    for (what, count) in [
        ("EEG values that cannot be read, held at the last one", repairs.held),
        ("Other values that cannot be read, left out", repairs.unreadable),
        ("Time stamps not later than the one before, all spread evenly", repairs.times),
        ("Rows without any readable EEG, lost samples", repairs.lost),
        ("Lines that are too short, dropped", repairs.short),
        ("Lines of names or units, skipped", repairs.names),
    ] {
        if count > 0 {
            sentences.push(format!("{what}: {count}."));
        }
    }
    if repairs.cut {
        sentences.push("Only the first 512 MiB are played.".to_owned());
    }
    sentences.join(" ")
}

fn flat<'a>(labels: impl Iterator<Item = &'a str>) -> Columns {
    Columns(labels.map(|label| Column::One(label.to_owned())).collect())
}

/// What the user should know before believing the picture.
fn notes(
    recording: &Recording,
    file: &Path,
    header: &Header,
    period: f64,
    once: bool,
) -> Vec<String> {
    let Spec { model, sensors, eeg_rate, .. } = &recording.spec;
    let channels = sensors.len();
    let name = match file.display().to_string() {
        name if name == "-" => "standard input".to_owned(),
        name => name,
    };
    let how = if once { "played once" } else { "replayed in a loop" };
    let mut notes = vec![format!(
        "{name}: {period:.1} s of {channels} channels, taken for an {}, {how}.",
        model.name()
    )];
    if !matches!(eeg_rate, 128 | 256) {
        notes.push(format!("It has {eeg_rate} Hz, which no headset has, and is played so."));
    }
    if !header.repeated.is_empty() {
        let repeated = header.repeated.join(", ");
        notes.push(format!("Names that stand twice: {repeated}; the first column counts."));
    }
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
    if !refused.is_empty() {
        notes.push(format!("Not replayed, and refused: the streams {}.", refused.join(" ")));
    }
    notes
}

/// The model of the metadata, else the one whose sensors these are.
fn spec(metadata: &Metadata, header: &Header, eeg_rate: u32, mems_rate: f64) -> Spec {
    let named = metadata.get("headset type").map(|kind| Model::from_id(&format!("{kind}-").into()));
    let sensors: Vec<_> = header.labels(ColumnKind::Sensor).map(str::to_owned).collect();
    let has = |label: &str| header.labels(ColumnKind::Motion).any(|own| own == label);
    let motion = match (has("Q0"), header.has(ColumnKind::Motion)) {
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
    let spec = match named {
        // Too little is known of it to simulate it, and enough to play it.
        Some(Model::XTrodes) => Some(Spec {
            model: Model::XTrodes,
            mode: "UNKNOWN",
            bci: false,
            faces: false,
            ..Spec::epoc()
        }),
        named => named.and_then(Spec::of).or_else(|| Spec::of(guessed)),
    };
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

/// The EEG rate of the metadata, else the measured one: that of a headset if it is near one.
fn nominal_rate(metadata: &Metadata, rows: &Rows) -> u32 {
    const RATES: [f64; 2] = [128.0, 256.0];
    const MOST: f64 = 2560.0;
    let known: Vec<_> =
        rows.times.iter().zip(&rows.places).filter(|(time, _)| time.is_finite()).collect();
    let steps: Vec<_> = known
        .windows(2)
        .map(|pair| (pair[1].0 - pair[0].0, (pair[1].1 - pair[0].1) as f64))
        .collect();
    let mut intervals: Vec<_> = steps.iter().map(|(time, rows)| time / rows).collect();
    intervals.sort_by(f64::total_cmp);
    let usual = intervals.get(intervals.len() / 2).copied().unwrap_or_default();
    // Lost samples leave gaps, which would make the rate look lower. Stamps that come in bursts have
    // nearly all of the time in their gaps.
    let sum = |most: f64| {
        let steps = steps.iter().filter(|(time, rows)| time / rows < most);
        steps.fold((0.0, 0.0), |sum, (time, rows)| (sum.0 + time, sum.1 + rows))
    };
    let (whole, without_gaps) = (sum(f64::INFINITY), sum(1.5 * usual));
    let (time, rows) = if without_gaps.0 > 0.5 * whole.0 { without_gaps } else { whole };
    let measured = Some(rows / time);
    let measured = measured.filter(|rate| (1.0..MOST).contains(rate));
    let rate = rate_in(metadata, "eeg_").or(measured).unwrap_or(128.0);
    let near = RATES.into_iter().find(|own| (rate / own - 1.0).abs() < 0.015);
    let (rate, _) = slot(near.unwrap_or(rate).round().clamp(1.0, MOST));
    u32::try_from(rate).unwrap_or(128)
}

/// A rate from `sampling rate:eeg_128;mot_64`.
fn rate_in(metadata: &Metadata, prefix: &str) -> Option<f64> {
    let rates = metadata.get("sampling rate")?.split(';');
    rates.filter_map(|rate| rate.trim().strip_prefix(prefix)).find_map(|hz| hz.parse().ok())
}

//! Markers that become intervals, in each format, and markers that come after the samples have
//! ended.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use cortop_files::{
    reader,
    recorder::{Recorder, RecordingFormat},
    row::Row,
};
use cortop_protocol::{
    Sample, SessionMarker, Stream, Subscription,
    marker::{MarkerText, MarkerValue},
    values::Values,
};
use cortop_signal::sink::Sink as _;

use super::{START, file, marker_object, options};

/// EEG of five sensors at 128 Hz.
fn subscription() -> Arc<Subscription> {
    let columns = r#"["COUNTER","INTERPOLATED","AF3","T7","Pz","T8","AF4","RAW_CQ","MARKER_HARDWARE","MARKERS"]"#;
    Arc::new(Subscription {
        session: "s1".into(),
        headset: "INSIGHT-0A1B2C3D".into(),
        stream: Stream::Eeg,
        columns: serde_json::from_str(columns).unwrap(),
        nominal_rate: Some(128.0),
    })
}

/// An EEG sample, with markers as Cortex sends them.
fn eeg(subscription: &Arc<Subscription>, index: u64, begun: Instant, markers: &str) -> Sample {
    let time = START + index as f64 / 128.0;
    let mut numbers = vec![(index % 128) as f64, 0.0];
    numbers.extend([4100.0 + (index % 100) as f64; 5]);
    numbers.extend([0.0, 0.0, f64::NAN]);
    let mut values = Values { numbers, time: Some(time), ..Values::default() };
    values.markers.extend((!markers.is_empty()).then(|| "shown".to_owned()));
    let text =
        format!(r#"{{"eeg":[{index},0,0,0,0,0,0,0,0,[{markers}]],"sid":"s1","time":{time}}}"#);
    let received = begun + Duration::from_secs_f64(index as f64 / 128.0);
    Sample { subscription: Arc::clone(subscription), values, text: text.into(), received }
}

/// Label, start and length of the markers, in seconds since the first sample.
const INTERVALS: [(&str, f64, f64); 6] = [
    ("early", -1.0, 3.0),
    ("closed", 5.0, 4.0),
    ("files", 6.5, 1.5),
    ("theirs", 10.0, 2.0),
    ("before", 13.0, 1.0),
    ("still", 15.0, 0.0),
];

/// Compares the table of intervals beside a CSV: label, start and length.
fn compare_intervals(folder: &Path) {
    let intervals = std::fs::read_dir(folder).unwrap().map(|own| own.unwrap().path());
    let mut intervals =
        intervals.filter(|own| own.to_string_lossy().ends_with("_intervalMarker.csv"));
    let table = std::fs::read_to_string(intervals.next().unwrap()).unwrap();
    let mut found: Vec<_> = table
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<_> = line.split(',').collect();
            let number = |at: usize| cells[at].parse::<f64>().unwrap();
            (cells[2].to_owned(), number(0), number(1))
        })
        .collect();
    found.sort_by(|one, other| one.1.total_cmp(&other.1));
    assert_eq!(found.len(), INTERVALS.len(), "{table}");
    for (own, expected) in found.iter().zip(INTERVALS) {
        assert_eq!(own.0, expected.0);
        assert!((own.1 - expected.1).abs() < 1e-3, "{own:?} {expected:?}");
        assert!((own.2 - expected.2).abs() < 1e-3, "{own:?} {expected:?}");
    }
}

/// Compares the annotations of a file with the intervals.
fn compare_annotations(path: &Path) {
    let mut read = reader::open(path).unwrap();
    let (mut row, mut found) = (Row::default(), Vec::new());
    while read.next_row(&mut row).unwrap() {
        for own in &row.markers {
            found.push((
                own.object["label"].as_str().unwrap().to_owned(),
                own.object["type"].clone(),
            ));
        }
    }
    let bytes = std::fs::read(path).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    for (label, start, length) in INTERVALS {
        let kind = found.iter().find(|(own, _)| own.starts_with(label)).map(|own| &own.1);
        let expected = if length > 0.0 { "interval" } else { "instance" };
        assert_eq!(kind.and_then(|own| own.as_str()), Some(expected), "{label}: {found:?}");
        // ONSET 0x15 DURATION 0x14 TEXT 0x14
        let at = text.find(&format!("\u{14}{label}")).unwrap();
        let list = text[..at].rsplit('\0').next().unwrap();
        let mut numbers = list.split('\u{15}').map(|own| own.parse::<f64>().unwrap());
        let onset = numbers.next().unwrap() - START.fract();
        assert!((onset - start.max(0.0)).abs() < 0.01, "{label}: {onset}");
        let own = numbers.next().unwrap_or_default();
        let length = length + start.min(0.0);
        assert!((own - length).abs() < 0.01, "{label}: {own}");
    }
}

/// A label and a number.
fn said(text: &str) -> MarkerText {
    let (label, value) = text.split_once(' ').unwrap();
    MarkerText { label: label.to_owned(), value: MarkerValue::Number(value.parse().unwrap()) }
}

#[test]
fn intervals_have_their_ends_in_each_file() {
    let folder = tempfile::tempdir().unwrap();
    let formats = RecordingFormat::list("csv,edf,bdf,jsonl").unwrap();
    let (mut recorder, status) = Recorder::new(options(folder.path(), &formats, "ends"));
    let subscription = subscription();
    recorder.subscription(&subscription).unwrap();
    let marker = |id: Option<&str>, text: &str, time: f64, end: Option<f64>| SessionMarker {
        session: "s1".into(),
        id: id.map(Into::into),
        time: START + time,
        end: end.map(|end| START + end),
        text: said(text),
    };
    let begun = Instant::now();
    for index in 0..20 * 128 {
        let shown = match index {
            // Ours in the record; others' as they begin, and at their ends.
            640 => marker_object("a", "closed", 1, 5.0, 5.0),
            1152 => marker_object("a", "closed", 1, 5.0, 9.0),
            1280 => marker_object("b", "theirs", 2, 10.0, 10.0),
            1536 => marker_object("b", "theirs", 2, 10.0, 12.0),
            1792 => marker_object("c", "before", 3, 13.0, 14.0),
            1920 => marker_object("d", "still", 4, 15.0, 15.0),
            _ => String::new(),
        };
        recorder.sample(&eeg(&subscription, index, begun, &shown)).unwrap();
        match index {
            641 => recorder.marker(&marker(Some("a"), "closed 1", 5.0, None)).unwrap(),
            832 => recorder.marker(&marker(None, "files 7", 6.5, None)).unwrap(),
            1024 => recorder.marker(&marker(None, "files 7", 6.5, Some(8.0))).unwrap(),
            1153 => recorder.marker(&marker(Some("a"), "closed 1", 5.0, Some(9.0))).unwrap(),
            // Begun before the recording.
            256 => recorder.marker(&marker(None, "early 8", -1.0, Some(2.0))).unwrap(),
            _ => {}
        }
        if index % 32 == 0 {
            recorder.flush().unwrap();
        }
    }
    recorder.finish().unwrap();
    let status = status.get();
    assert_eq!(status.markers, 6, "no end is a marker of its own");

    compare_intervals(folder.path());
    let csv = std::fs::read_to_string(file(&status, ".csv")).unwrap();
    let head: Vec<_> = csv.lines().nth(1).unwrap().split(',').collect();
    let kind = head.iter().position(|own| *own == "MarkerType").unwrap();
    let kinds: Vec<_> =
        csv.lines().skip(2).map(|line| line.split(',').nth(kind).unwrap()).collect();
    let count = |one: &str| kinds.iter().filter(|own| **own == one).count();
    assert_eq!((count("2"), count("1")), (5, 1), "{kinds:?}");
    assert_eq!((kinds[640], kinds[833], kinds[1280], kinds[1920]), ("2", "2", "2", "1"));

    compare_annotations(&file(&status, ".edf"));
    compare_annotations(&file(&status, ".bdf"));

    let lines = std::fs::read_to_string(file(&status, ".jsonl")).unwrap();
    let ends: Vec<serde_json::Value> = lines
        .lines()
        .filter(|line| line.contains(r#""stream":"marker""#))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let ends: Vec<_> = ends
        .iter()
        .map(|own| {
            let values = &own["values"];
            (values["text"].as_str().unwrap(), values["end"].as_f64().map(|end| end - START))
        })
        .collect();
    let expected = [
        ("early 8", Some(2.0)),
        ("files 7", None),
        ("files 7", Some(8.0)),
        ("closed 1", Some(9.0)),
    ];
    assert_eq!(ends, expected);
}

#[test]
fn an_end_after_the_session_is_over_still_finds_its_marker() {
    let folder = tempfile::tempdir().unwrap();
    let (mut recorder, status) =
        Recorder::new(options(folder.path(), &[RecordingFormat::Edf], "over"));
    let subscription = subscription();
    recorder.subscription(&subscription).unwrap();
    let begun = Instant::now();
    for index in 0..10 * 128 {
        let shown =
            if index == 640 { marker_object("a", "closed", 1, 5.0, 5.0) } else { String::new() };
        recorder.sample(&eeg(&subscription, index, begun, &shown)).unwrap();
    }
    recorder.end(&"s1".into(), None).unwrap();
    let (session, id, text) = ("s1".into(), Some("a".into()), said("closed 1"));
    let (time, end) = (START + 5.0, Some(START + 9.0));
    recorder.marker(&SessionMarker { session, id, time, end, text }).unwrap();
    recorder.finish().unwrap();
    let bytes = std::fs::read(file(&status.get(), ".edf")).unwrap();
    assert!(String::from_utf8_lossy(&bytes).contains("\u{15}4.000000\u{14}closed 1\u{14}"));
}

#[test]
fn a_marker_before_the_first_sample_is_in_each_file() {
    let folder = tempfile::tempdir().unwrap();
    let (mut recorder, status) =
        Recorder::new(options(folder.path(), &RecordingFormat::ALL, "first"));
    let marker = |text: &str, time: f64| SessionMarker {
        session: "s1".into(),
        id: None,
        time: START + time,
        end: None,
        text: said(text),
    };
    let subscription = subscription();
    // The session is known, but not its streams.
    recorder.marker(&marker("opened 1", -0.3)).unwrap();
    recorder.subscription(&subscription).unwrap();
    // There are no samples yet.
    recorder.marker(&marker("waits 2", 1.0 / 128.0)).unwrap();
    let begun = Instant::now();
    for index in 0..10 * 128 {
        recorder.sample(&eeg(&subscription, index, begun, "")).unwrap();
    }
    recorder.finish().unwrap();
    let status = status.get();
    assert_eq!(status.markers, 2);
    let note = "1 markers were set before the first sample: EDF and BDF have them at its time";
    assert!(status.notes.iter().any(|own| own.ends_with(note)), "{:?}", status.notes);
    for ending in RecordingFormat::ALL.map(|format| format!(".{}", format.name())) {
        let mut read = reader::open(&file(&status, &ending)).unwrap();
        let (mut row, mut found, mut index) = (Row::default(), Vec::new(), 0);
        while read.next_row(&mut row).unwrap() {
            found.extend(row.markers.iter().map(|own| (own.object["label"].clone(), index)));
            index += usize::from(!row.eeg.is_empty());
        }
        found.sort_by_key(|(_, index)| *index);
        let labels: Vec<_> = found.iter().map(|(label, _)| label.as_str().unwrap()).collect();
        assert!(labels[0].starts_with("opened") && labels[1].starts_with("waits"), "{found:?}");
        assert!(found.iter().all(|(_, index)| *index <= 2), "{ending}: {found:?}");
    }
}

#[test]
fn markers_without_any_sample_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let (mut recorder, status) =
        Recorder::new(options(folder.path(), &RecordingFormat::ALL, "none"));
    recorder.subscription(&subscription()).unwrap();
    for number in 0..3 {
        let text = said(&format!("go {number}"));
        let (session, id, time, end) = ("s1".into(), None, START, None);
        recorder.marker(&SessionMarker { session, id, time, end, text }).unwrap();
    }
    recorder.finish().unwrap();
    let status = status.get();
    assert_eq!(status.notes, ["3 markers belong to no sample: they are in no file"]);
    assert!(status.files.is_empty());
}

#[test]
fn contact_is_in_no_file_before_the_headset_reports_it() {
    let folder = tempfile::tempdir().unwrap();
    let formats = [RecordingFormat::Csv, RecordingFormat::Edf, RecordingFormat::Bdf];
    let (mut recorder, status) = Recorder::new(options(folder.path(), &formats, "late"));
    let subscription = subscription();
    let columns = r#"["Battery","Signal",["AF3","T7","Pz","T8","AF4","OVERALL"],"BatteryPercent"]"#;
    let dev = Arc::new(Subscription {
        stream: Stream::Dev,
        columns: serde_json::from_str(columns).unwrap(),
        nominal_rate: Some(2.0),
        ..(*subscription).clone()
    });
    recorder.subscription(&subscription).unwrap();
    recorder.subscription(&dev).unwrap();
    let begun = Instant::now();
    for index in 0..10 * 128 {
        recorder.sample(&eeg(&subscription, index, begun, "")).unwrap();
        if index >= 384 && index % 64 == 0 {
            let time = START + index as f64 / 128.0;
            let text = format!(r#"{{"dev":[4,2,[4,4,2,4,0,80],77],"sid":"s1","time":{time}}}"#);
            let received = begun + Duration::from_secs_f64(index as f64 / 128.0);
            recorder.sample(&Sample::new(Arc::clone(&dev), text.into(), received)).unwrap();
        }
    }
    recorder.finish().unwrap();
    for ending in [".csv", ".edf", ".bdf"] {
        let mut read = reader::open(&file(&status.get(), ending)).unwrap();
        let (mut row, mut first) = (Row::default(), None);
        while first.is_none() && read.next_row(&mut row).unwrap() {
            let dev = row.samples.iter().find(|own| own.stream == Stream::Dev);
            let known = dev.filter(|own| own.values.iter().any(|value| !value.is_nan()));
            first = known.map(|own| (row.time.unwrap() - START, own.values.clone()));
        }
        let (since, values) = first.unwrap_or_else(|| panic!("no contact in {ending}"));
        assert!((3.0..3.6).contains(&since), "{ending}: {since}");
        assert!(values.contains(&2.0) && !values.contains(&-1.0), "{ending}: {values:?}");
    }
}

#[test]
fn after_a_long_absence_all_formats_begin_anew_with_the_same_sample() {
    let folder = tempfile::tempdir().unwrap();
    let (mut recorder, status) =
        Recorder::new(options(folder.path(), &RecordingFormat::ALL, "away"));
    let subscription = subscription();
    recorder.subscription(&subscription).unwrap();
    let begun = Instant::now();
    // Eleven minutes, while ten are the limit.
    let returned = 400 + 11 * 60 * 128;
    for index in (0..400).chain(returned..returned + 300) {
        recorder.sample(&eeg(&subscription, index, begun, "")).unwrap();
    }
    recorder.finish().unwrap();
    for ending in RecordingFormat::ALL.map(|format| format!(".{}", format.name())) {
        let files = status.get().files;
        let of_format = files.iter().filter(|own| own.path.to_string_lossy().ends_with(&ending));
        let counts = of_format.map(|own| {
            let (mut read, mut row, mut count) =
                (reader::open(&own.path).unwrap(), Row::default(), 0);
            while read.next_row(&mut row).unwrap() {
                count += usize::from(!row.eeg.is_empty());
            }
            count
        });
        assert_eq!(counts.collect::<Vec<_>>(), [400, 300], "{ending}");
    }
}

#[test]
fn what_the_recorder_notes_in_a_file_is_no_marker_of_a_replay() {
    let folder = tempfile::tempdir().unwrap();
    let (mut recorder, status) =
        Recorder::new(options(folder.path(), &[RecordingFormat::Edf], "notes"));
    let subscription = subscription();
    recorder.subscription(&subscription).unwrap();
    let begun = Instant::now();
    for index in 0..3 * 60 * 128 {
        let shown =
            if index == 640 { marker_object("a", "closed", 1, 5.0, 5.0) } else { String::new() };
        recorder.sample(&eeg(&subscription, index, begun, &shown)).unwrap();
    }
    recorder.finish().unwrap();
    let path = file(&status.get(), ".edf");
    assert!(String::from_utf8_lossy(&std::fs::read(&path).unwrap()).contains("\u{14}pace 128."));
    let (mut read, mut row, mut markers) = (reader::open(&path).unwrap(), Row::default(), 0);
    while read.next_row(&mut row).unwrap() {
        markers += row.markers.len();
    }
    assert_eq!(markers, 1);
}

#[test]
fn what_completes_the_last_records_is_no_sample_of_a_replay() {
    let folder = tempfile::tempdir().unwrap();
    let formats = [RecordingFormat::Edf, RecordingFormat::Bdf];
    let (mut recorder, status) = Recorder::new(options(folder.path(), &formats, "end"));
    let subscription = subscription();
    recorder.subscription(&subscription).unwrap();
    let (begun, sent) = (Instant::now(), 3 * 128 + 5);
    for index in 0..sent {
        recorder.sample(&eeg(&subscription, index, begun, "")).unwrap();
    }
    // They only fit into additional records, which contain nothing else.
    for number in 0..200 {
        let (id, end, text) = (None, None, said(&format!("late {number}")));
        let time = START + 3.0 + f64::from(number) * 1e-4;
        recorder.marker(&SessionMarker { session: "s1".into(), id, time, end, text }).unwrap();
    }
    recorder.finish().unwrap();
    for ending in [".edf", ".bdf"] {
        let path = file(&status.get(), ending);
        let bytes = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("\u{14}BAD_PADDING\u{14}") && !text.contains("BAD_ACQ_SKIP"));
        let mut read = reader::open(&path).unwrap();
        let (mut row, mut places, mut markers) = (Row::default(), Vec::new(), 0);
        while read.next_row(&mut row).unwrap() {
            markers += row.markers.len();
            places.extend((!row.eeg.is_empty()).then_some(row.place));
        }
        assert_eq!((places, markers), ((0..sent).collect(), 200), "{ending}");
    }
}

/// A value that is a text is not part of the label.
#[test]
fn label_and_value_stay_apart_in_each_file() {
    let folder = tempfile::tempdir().unwrap();
    let formats = RecordingFormat::list("csv,jsonl").unwrap();
    let (mut recorder, status) = Recorder::new(options(folder.path(), &formats, "apart"));
    let subscription = subscription();
    recorder.subscription(&subscription).unwrap();
    let begun = Instant::now();
    for index in 0..256 {
        recorder.sample(&eeg(&subscription, index, begun, "")).unwrap();
    }
    let (session, id, time, end) = ("s1".into(), None, START + 1.0, None);
    let text =
        MarkerText { label: "go".to_owned(), value: MarkerValue::Text("left hand".to_owned()) };
    recorder.marker(&SessionMarker { session, id, time, end, text }).unwrap();
    recorder.finish().unwrap();
    let beside = std::fs::read(file(&status.get(), ".csv").with_extension("json")).unwrap();
    let beside: serde_json::Value = serde_json::from_slice(&beside).unwrap();
    let marker = &beside["Markers"][0];
    assert_eq!((&marker["label"], &marker["value"]), (&"go".into(), &"left hand".into()));
    let lines = std::fs::read_to_string(file(&status.get(), ".jsonl")).unwrap();

    let line = lines.lines().find(|line| line.contains(r#""stream":"marker""#)).unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    let said = serde_json::json!({ "text": "go left hand", "label": "go", "value": "left hand" });
    assert_eq!(line["values"], said);
}

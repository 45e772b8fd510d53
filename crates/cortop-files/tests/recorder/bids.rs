//! A recording in a BIDS dataset, whose sidecars are compared with the header of its EEG.

use std::{
    collections::HashMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use cortop_files::recorder::{BidsOptions, Recorder, RecorderOptions, RecordingFormat};
use cortop_protocol::{Sample, Stream, Subscription, values::Values};
use cortop_signal::sink::Sink as _;

use super::{START, marker_object, options};

/// The actual rate of a headset that claims 128 Hz.
const RATE: f64 = 126.9;

fn sample(subscription: &Arc<Subscription>, index: u32, begun: Instant, marker: &str) -> Sample {
    let since = f64::from(index) / RATE;
    let time = START + since;
    let numbers = vec![f64::from(index % 128), 0.0, 4100.0, 4101.0, 4102.0, 4103.0, 4104.0, 0.0];
    let mut values = Values { numbers, time: Some(time), ..Values::default() };
    values.numbers.push(f64::NAN);
    values.markers.extend((!marker.is_empty()).then(|| "shown".to_owned()));
    let text = format!(r#"{{"eeg":[{index},0,0,0,0,0,0,0,[{marker}]],"sid":"s1","time":{time}}}"#);
    let received = begun + Duration::from_secs_f64(since);
    Sample { subscription: Arc::clone(subscription), values, text: text.into(), received }
}

/// A tab-separated table, by the names in its first line.
fn table(path: &Path) -> Vec<HashMap<String, String>> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| line.split('\t').map(str::to_owned));
    let head: Vec<_> = lines.next().unwrap().collect();
    lines.map(|line| head.iter().cloned().zip(line).collect()).collect()
}

#[test]
fn a_bids_dataset_says_what_the_header_of_its_eeg_says() {
    let folder = tempfile::tempdir().unwrap();
    let formats = RecordingFormat::list("edf,csv").unwrap();
    let task = (Some("eyes: closed"), "");
    let bids = BidsOptions::new("sub-07", None, task, Some(50), &formats).unwrap();
    let options = RecorderOptions {
        subject: "07".to_owned(),
        bids: Some(bids),
        ..options(folder.path(), &formats, "")
    };
    let eeg_of = |run: &str, ending: &str| {
        let name = format!("sub-07_task-eyesclosed_run-{run}_{ending}");
        folder.path().join("sub-07/eeg").join(name)
    };
    let json = |path: &Path| -> serde_json::Value {
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    };
    for run in ["01", "02"] {
        let (mut recorder, _) = Recorder::new(options.clone());
        let columns =
            r#"["COUNTER","INTERPOLATED","AF3","T7","Pz","T8","AF4","MARKER_HARDWARE","MARKERS"]"#;
        let subscription = Arc::new(Subscription {
            session: "s1".into(),
            headset: "INSIGHT-0A1B2C3D".into(),
            stream: Stream::Eeg,
            columns: serde_json::from_str(columns).unwrap(),
            nominal_rate: Some(128.0),
        });
        recorder.subscription(&subscription).unwrap();
        let begun = Instant::now();
        // 20.03 s, with ten samples lost.
        for index in (0..2542).filter(|index| !(300..310).contains(index)) {
            let shown = match index {
                640 => marker_object("a", "closed", 1, 5.0, 5.0),
                1536 => marker_object("b", "eyes open", 2, 7.0, 12.0),
                _ => String::new(),
            };
            recorder.sample(&sample(&subscription, index, begun, &shown)).unwrap();
            if index == 1200 {
                recorder.flush().unwrap();
                let about = json(&eeg_of(run, "eeg.json"));
                assert_eq!(about["SamplingFrequency"], 128.0);
                assert_eq!(about["RecordingDuration"], serde_json::Value::Null);
                assert!(eeg_of(run, "channels.tsv").exists());
            }
        }
        recorder.finish().unwrap();
    }
    let bytes = std::fs::read(eeg_of("02", "eeg.edf")).unwrap();
    let number =
        |at: usize| -> f64 { str::from_utf8(&bytes[at..at + 8]).unwrap().trim().parse().unwrap() };
    let (records, seconds) = (number(236), number(244));
    let about = json(&eeg_of("02", "eeg.json"));
    assert_eq!(about["SamplingFrequency"], 64.0 / seconds);
    assert!((64.0 / seconds - RATE).abs() < 0.01);
    assert_eq!(about["RecordingDuration"], records * seconds);
    assert_eq!(about["TaskName"], "eyes: closed");
    assert_eq!(about["PowerLineFrequency"], 50);
    assert_eq!((&about["EEGChannelCount"], &about["MiscChannelCount"]), (&5.into(), &2.into()));

    let channels = table(&eeg_of("02", "channels.tsv"));
    let names: Vec<_> = channels.iter().map(|own| own["name"].as_str()).collect();
    assert_eq!(
        names,
        ["COUNTER", "INTERPOLATED", "AF3", "T7", "Pz", "T8", "AF4", "MARKER_HARDWARE"]
    );
    let header: Vec<_> = bytes[256..256 + 16 * names.len()]
        .chunks(16)
        .map(|own| str::from_utf8(own).unwrap().trim())
        .collect();
    assert_eq!(names, header);
    assert_eq!((&*channels[2]["type"], &*channels[2]["units"]), ("EEG", "µV"));

    let events = table(&eeg_of("02", "events.tsv"));
    let number = |row: usize, column: &str| events[row][column].parse::<f64>().unwrap();
    let kinds: Vec<_> = events.iter().map(|own| own["trial_type"].as_str()).collect();
    assert_eq!(kinds, ["BAD_ACQ_SKIP", "closed", "eyes open", "BAD_PADDING"]);
    let rate = 64.0 / seconds;
    let expected = [(300.0, 10.0), (640.0, 0.0), (7.0 * RATE, 5.0 * RATE), (2542.0, 18.0)];
    for (row, (onset, length)) in expected.into_iter().enumerate() {
        assert!((number(row, "onset") * rate - onset).abs() < 0.6, "{events:?}");
        assert!((number(row, "duration") * rate - length).abs() < 0.6, "{events:?}");
        assert!((number(row, "sample") - onset).abs() < 0.6, "{events:?}");
    }
    assert_eq!((&*events[0]["value"], &*events[1]["value"]), ("n/a", "1"));

    let electrodes = table(&folder.path().join("sub-07/eeg/sub-07_electrodes.tsv"));
    assert_eq!(electrodes.len(), 5, "once for both runs: {electrodes:?}");
    assert_eq!((&*electrodes[1]["name"], &*electrodes[1]["x"]), ("T7", "-85.0"));
    let participants = table(&folder.path().join("participants.tsv"));
    assert_eq!(participants.len(), 1, "{participants:?}");
    let source = folder.path().join("sourcedata/sub-07/eeg");
    assert!(source.join("sub-07_task-eyesclosed_run-02.csv").exists());
}

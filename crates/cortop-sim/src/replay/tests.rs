use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use super::*;
use crate::model::MotionFormat;
use crate::sample_writer::SampleWriter;
use cortop_protocol::model::{EPOC_SENSORS, Model};

fn read(text: &str) -> Result<Recording> {
    let file = tempfile::Builder::new().suffix(".csv").tempfile()?;
    fs::write(file.path(), text)?;
    Recording::read(file.path())
}

/// The sentence of a refusal, without the temporary file's name.
fn refusal(text: &str) -> String {
    let error = read(text).err().map(|error| error.to_string()).unwrap_or_default();
    error.split_once(".csv").map_or(error.clone(), |(_, rest)| rest.to_owned())
}

fn sample(recording: &Recording, stream: Stream, index: u64) -> Value {
    let mut row = SampleWriter::new(stream);
    recording.write(stream, index, SampleContext::default(), &mut row);
    let sample: Value = serde_json::from_str(&row.finish("s", 0.0)).unwrap();
    sample[stream.name()].clone()
}

fn columns(recording: &Recording, stream: Stream) -> Value {
    serde_json::to_value(recording.columns(stream)).unwrap()
}

const EXPORT: &str = "\
title:made up, headset type:EPOCPLUS, headset serial:0A1B2C3D, headset firmware:625, sampling rate:eeg_128;mot_64
Timestamp,EEG.Counter,EEG.Interpolated,EEG.AF3,EEG.Pz,EEG.RawCq,EEG.Battery,MarkerIndex,EEG.MarkerHardware,CQ.AF3,CQ.Pz,CQ.Overall,MOT.CounterMems,MOT.InterpolatedMems,MOT.GyroX,MOT.AccX,PM.Focus.Scaled,POW.AF3.Theta,POW.AF3.Alpha
100.000,126.0,0.0,4200.51282,4100.25,9,3,,0,4,2,75,,,,,,,
100.008,127.0,0.0,4201.0,4101.0,9,3,,0,4,2,75,62,0,8190,4096,,,
100.016,0.0,1.0,4202.0,4102.0,9,3,1,1,4,4,100,,,,,,,
100.024,1.0,0.0,4203.0,4103.0,9,3,,0,4,4,100,63,0,8191,4097,0.5,1,2
";

#[test]
fn an_export_is_replayed_as_the_headset_that_made_it() {
    let recording = read(EXPORT).unwrap();
    let Spec { model, eeg_rate, mems_rate, motion, .. } = recording.spec;
    assert_eq!((model, eeg_rate, mems_rate), (Model::EpocPlus, 128, 64.0));
    assert_eq!(motion, MotionFormat::RawGyro);
    assert_eq!(recording.id, Some("EPOCPLUS-0A1B2C3D".into()));
    assert_eq!(
        columns(&recording, Stream::Eeg),
        json!(["COUNTER", "INTERPOLATED", "AF3", "Pz", "RAW_CQ", "MARKER_HARDWARE", "MARKERS"])
    );
    let motion = json!(["COUNTER_MEMS", "INTERPOLATED_MEMS", "GYROX", "ACCX"]);
    assert_eq!(columns(&recording, Stream::Mot), motion);
    assert_eq!(columns(&recording, Stream::Dev), json!(["Battery", ["AF3", "Pz", "OVERALL"]]));
    assert_eq!(
        sample(&recording, Stream::Eeg, 0),
        json!([126, 0, 4200.513, 4100.25, 9.0, 0.0, []])
    );
    let mut marked = sample(&recording, Stream::Eeg, 2);
    assert_eq!(marked[6].take()[0]["label"], "1");
    assert_eq!(marked, json!([0, 1, 4202.0, 4102.0, 9.0, 1.0, null]));
    assert_eq!(sample(&recording, Stream::Mot, 1), json!([63, 0.0, 8191.0, 4097.0]));
    assert_eq!(sample(&recording, Stream::Dev, 0), json!([3.0, [4.0, 2.0, 75.0]]));
    assert_eq!(columns(&recording, Stream::Pow), json!(["AF3/theta", "AF3/alpha"]));
    assert_eq!(sample(&recording, Stream::Pow, 0), json!([1.0, 2.0]));
    assert_eq!(columns(&recording, Stream::Met), json!(["foc"]));
    let notes = recording.notes.join(" ");
    assert!(!notes.contains("Left out"), "{notes}");
    assert!(notes.contains("refused: the streams eq com fac."), "{notes}");
}

#[test]
fn an_inactive_metric_is_no_reading_and_markers_keep_their_row() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.csv");
    let text = "\
COUNTER,AF3,MarkerIndex,MarkerType,MarkerValueInt,PM.Stress.IsActive,PM.Stress.Scaled,PM.Stress.Raw,PM.LongTermExcitement,PM.Focus.IsActive,PM.Focus.Scaled
0,1,1,1,7,0,0.3,9,0.25,1,0.5
1,2,2,2,,,,,,,
2,3,,,,1,0.75,9,,1,0.125
";
    fs::write(&file, text).unwrap();
    fs::write(
        file.with_extension("markers.json"),
        r#"{"Markers":[{"index":2,"label":"eyes closed","value":"x","startDatetime":"2020-08-31"}]}"#,
    )
    .unwrap();
    let recording = Recording::read(&file).unwrap();
    let labels = json!(["str.isActive", "str", "lex", "foc.isActive", "foc"]);
    assert_eq!(columns(&recording, Stream::Met), labels);
    let met = |index: u64, metrics: bool| -> Value {
        let mut row = SampleWriter::new(Stream::Met);
        recording.write(
            Stream::Met,
            index,
            SampleContext { metrics, ..SampleContext::default() },
            &mut row,
        );
        row.values().into()
    };
    assert_eq!(met(0, true), json!([false, null, 0.25, true, 0.5]));
    assert_eq!(met(1, true), json!([true, 0.75, null, true, 0.125]));
    assert_eq!(met(0, false), json!([false, null, null, false, null]));
    let markers = |index| sample(&recording, Stream::Eeg, index)[3].clone();
    assert_eq!(
        (&markers(0)[0]["value"], &markers(0)[0]["type"], &markers(3)[0]["label"]),
        (&json!(7), &json!("instance"), &json!("1"))
    );
    assert_eq!(
        (&markers(1)[0]["label"], markers(1)[0].get("startDatetime")),
        (&json!("eyes closed"), None)
    );
    assert_eq!(markers(2), json!([]));
}

#[test]
fn rounds_have_no_seam() {
    let recording = read(EXPORT).unwrap();
    for index in 0..40 {
        let step = recording.time(Stream::Eeg, index + 1) - recording.time(Stream::Eeg, index);
        assert!((step - 0.008).abs() < 1e-9, "{index}: {step}");
        let counter = |index| sample(&recording, Stream::Eeg, index)[0].as_u64().unwrap();
        assert_eq!(counter(index + 1), (counter(index) + 1) % 128);
        let counter = |index| sample(&recording, Stream::Mot, index)[0].as_u64().unwrap();
        assert_eq!(counter(index + 1), (counter(index) + 1) % 64);
    }
}

#[test]
fn a_table_with_a_counter_and_a_comma_in_a_name() {
    let recording = read(
        "COUNTER, AF3, T7, Pz, T8, AF4, MARKERS['Blank','Image'], TICK, ContactQuality\r\n\
         1.27e+02, 4.2e+03, 4.1e3, 4100, 4100, 4100, 0, 1, 1.0e+02\r\n\
         0.0e+00, 4.201e+03, 4.1e3, 4100, 4100, 4100, 0, 1, 1.0e+02\r\n\
         3.0e+00, 4.201e+03, 4.1e3, 4100, 4100, 4100, 0, 1, 0.9e+02\r\n",
    )
    .unwrap();
    assert_eq!(recording.spec.model, Model::Insight);
    let eeg = sample(&recording, Stream::Eeg, 0);
    assert_eq!(eeg, json!([127, 0, 4200.0, 4100.0, 4100.0, 4100.0, 4100.0, []]));
    assert_eq!(columns(&recording, Stream::Dev), json!([["OVERALL"]]));
    assert_eq!(recording.columns(Stream::Mot), None);
    // Two samples are missing in the recording, and so they are in the replay, in time as well.
    assert_eq!(sample(&recording, Stream::Eeg, 2)[0], 3);
    assert!((recording.time(Stream::Eeg, 2) - 4.0 / 128.0).abs() < 1e-9);
    let notes = recording.notes.join(" ");
    for told in ["128 Hz is assumed", "2 samples are missing", "MARKERS['Blank','Image'], TICK"] {
        assert!(notes.contains(told), "{notes}");
    }
}

#[test]
fn columns_may_come_in_any_order() {
    let recording = read(
        "EEG.MarkerHardware,CQ.Overall,EEG.T8,EEG.T7,EEG.Interpolated,EEG.Counter,EEG.Battery\n\
         1,50,8,7,0,3,4\n0,50,8,7,1,4,4\n",
    )
    .unwrap();
    let labels = json!(["COUNTER", "INTERPOLATED", "T8", "T7", "MARKER_HARDWARE", "MARKERS"]);
    assert_eq!(columns(&recording, Stream::Eeg), labels);
    assert_eq!(sample(&recording, Stream::Eeg, 0), json!([3, 0, 8.0, 7.0, 1.0, []]));
    assert_eq!(sample(&recording, Stream::Eeg, 1), json!([4, 1, 8.0, 7.0, 0.0, []]));
    assert_eq!(sample(&recording, Stream::Dev, 0), json!([4.0, [50.0]]));
}

#[test]
fn a_table_without_a_counter() {
    let recording = read(
        "AF3,F7,F3,FC5,T7,P,O1,O2,P8,T8,FC6,F4,F8,AF4,class\n\
         1,2,3,4,5,6,7,8,9,10,11,12,13,14,0\n\
         1,2,3,4,5,715896.5,7,8,9,10,11,12,13,14,1\n",
    )
    .unwrap();
    assert_eq!(recording.spec.model, Model::Epoc);
    assert_eq!(columns(&recording, Stream::Eeg)[7], "P7");
    assert_eq!(sample(&recording, Stream::Eeg, 1)[7], 715_896.5);
    assert_eq!(sample(&recording, Stream::Eeg, 129)[0], 1);
    assert_eq!(recording.columns(Stream::Dev), None);
    let notes = recording.notes.join(" ");
    for told in ["no timestamps", "no counter", "P is taken for P7", "Left out: class."] {
        assert!(notes.contains(told), "{notes}");
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_its_place_and_the_next_step() {
    let bad_cell = EXPORT.replace("4102.0,9", "4l02,9");
    assert_eq!(
        refusal(&bad_cell),
        ", line 5, column EEG.Pz: \"4l02\" is not a number; correct or delete the line"
    );
    let backwards = EXPORT.replace("100.016", "100.008");
    assert_eq!(
        refusal(&backwards),
        ", line 5, column Timestamp: \"100.008\" is not later than in the line before; \
         correct or delete the line"
    );
    assert_eq!(
        refusal("AF3,AF4\n1,2\n3\n"),
        ", line 3: it has 1 cells where the header names 2 columns; complete or delete the line"
    );
    let gap = EXPORT.replace("8190,4096", "8190,");
    assert!(refusal(&gap).contains("line 4: only 2 of 3 cells of its motion are filled"));
    for (text, told) in [
        ("", " is empty; give a CSV file"),
        ("a,b\n1,2\n", ", line 1: no column is an EEG sensor"),
        ("AF3\n1\n", " has fewer than two rows"),
        ("COUNTER,AF3\n1.5,2\n3,4\n", "column COUNTER: \"1.5\" is not a counter"),
        ("AF3\nNaN\n1\n", "\"NaN\" is not a number"),
    ] {
        assert!(refusal(text).contains(told), "{:?}", refusal(text));
    }
    let missing = Recording::read(Path::new("no such file.csv")).err().unwrap().to_string();
    assert!(missing.contains("no such file.csv cannot be read: "), "{missing}");
}

/// A file of the folder of recordings.
fn real(name: &str) -> Recording {
    let folder =
        std::env::var_os("CORTOP_DATA").expect("CORTOP_DATA names the folder of recordings");
    Recording::read(&PathBuf::from(folder).join(name)).unwrap()
}

#[test]
#[ignore = "needs real recordings: CORTOP_DATA names their folder"]
fn a_real_export_loses_nothing_and_keeps_its_pace() {
    let recording = real("epocplus-emotivpro-worn-16s.csv");
    assert_eq!(recording.spec.model, Model::EpocPlus);
    assert_eq!(recording.spec.sensors, EPOC_SENSORS);
    assert_eq!(recording.eeg.track.missing(), 0);
    let rounds = 2 * 2025_u32;
    let rate = f64::from(rounds) / recording.time(Stream::Eeg, u64::from(rounds));
    assert!((126.5..127.5).contains(&rate), "{rate}");
    for index in 0..u64::from(rounds) {
        let counter = |index| recording.eeg.track.sample(index).0;
        assert_eq!(counter(index + 1), (counter(index) + 1) % 128);
        assert!(recording.time(Stream::Eeg, index + 1) > recording.time(Stream::Eeg, index));
    }
    // T7 is the fifth sensor: its contact goes from 2 to 4 at row 45.
    assert_eq!(sample(&recording, Stream::Dev, 0)[1][4], 2.0);
    assert_eq!(sample(&recording, Stream::Dev, 1)[1][4], 4.0);
    assert_eq!(sample(&recording, Stream::Mot, 0)[0], 12);
    let power = columns(&recording, Stream::Pow);
    assert_eq!((power.as_array().unwrap().len(), &power[0]), (70, &json!("AF3/theta")));
    let pace = recording.time(Stream::Pow, 127) / 127.0;
    assert!((0.12..0.13).contains(&pace), "{pace}");
    let mut row = SampleWriter::new(Stream::Met);
    recording.write(
        Stream::Met,
        0,
        SampleContext { metrics: true, ..SampleContext::default() },
        &mut row,
    );
    let inactive = row.values().iter().filter(|value| **value == Value::Null).count();
    assert_eq!(inactive, 2);
    let marked: Vec<u64> =
        (0..2025).filter(|&it| sample(&recording, Stream::Eeg, it)[18] != json!([])).collect();
    assert_eq!((marked.len(), marked[0], marked[9]), (10, 12, 1835));
    assert_eq!(sample(&recording, Stream::Eeg, 12)[18][0]["value"], "sound-erp");
}

#[test]
#[ignore = "needs real recordings: CORTOP_DATA names their folder"]
fn real_tables_are_read_in_full() {
    for (name, model, rows) in [
        ("insight-eyes-closed-40s.csv", Model::Insight, 5091),
        ("insight-eyes-open-40s.csv", Model::Insight, 5076),
        ("epoc-eye-state-117s.csv", Model::Epoc, 14_980),
    ] {
        let recording = real(name);
        assert_eq!((recording.spec.model, recording.eeg.track.missing()), (model, 0), "{name}");
        let round = f64::from(rows) / 128.0;
        assert!((recording.time(Stream::Eeg, u64::try_from(rows).unwrap()) - round).abs() < 1e-6);
    }
}

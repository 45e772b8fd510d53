use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use super::*;
use crate::model::MotionFormat;
use crate::sample_writer::SampleWriter;
use cortop_protocol::model::{EPOC_SENSORS, Model};

mod tables;
mod timing;

fn read(text: &str) -> Result<Recording> {
    let file = tempfile::Builder::new().suffix(".csv").tempfile()?;
    fs::write(file.path(), text)?;
    Recording::read(file.path(), |_| ())
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
    assert_eq!(
        columns(&recording, Stream::Dev),
        json!(["Battery", "Signal", ["AF3", "Pz", "OVERALL"], "BatteryPercent"])
    );
    assert_eq!(
        sample(&recording, Stream::Eeg, 0),
        json!([126, 0, 4200.513, 4100.25, 9.0, 0.0, []])
    );
    let mut marked = sample(&recording, Stream::Eeg, 2);
    assert_eq!(marked[6].take()[0]["label"], "1");
    assert_eq!(marked, json!([0, 1, 4202.0, 4102.0, 9.0, 1.0, null]));
    assert_eq!(sample(&recording, Stream::Mot, 1), json!([63, 0.0, 8191.0, 4097.0]));
    assert_eq!(sample(&recording, Stream::Dev, 0), json!([3.0, 1.0, [4.0, 2.0, 75.0], 75.0]));
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
    let recording = Recording::read(&file, |_| ()).unwrap();
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
        (&markers(0)[0]["value"], &markers(0)[0]["type"], &markers(3)[1]["label"]),
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
    assert_eq!(columns(&recording, Stream::Dev), json!(["Battery", "Signal", ["OVERALL"]]));
    assert_eq!(sample(&recording, Stream::Dev, 0), json!([-1.0, 1.0, [100.0]]));
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
    assert_eq!(sample(&recording, Stream::Dev, 0), json!([4.0, 1.0, [50.0], 100.0]));
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
fn only_what_has_nothing_usable_is_refused_with_the_next_step() {
    for (text, said) in [
        ("", " is empty; give a recording"),
        ("a,b\n1,2\n", ": no line names an EEG sensor as a column (EEG.AF3 or AF3, say)"),
        ("AF3\n1\n", " has fewer than two rows"),
        ("AF3\nNaN\nx\n", " has fewer than two rows of readable EEG"),
    ] {
        assert!(refusal(text).contains(said), "{:?}", refusal(text));
    }
    let missing = Recording::read(Path::new("no such file.csv"), |_| ()).err().unwrap().to_string();
    assert!(missing.contains("no such file.csv cannot be read: "), "{missing}");
}

/// Reads a file from the folder of cases.
fn case(name: &str) -> Recording {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cortop-files/tests/cases");
    Recording::read(&folder.join(name), |_| ()).unwrap()
}

/// The last of its notes, which counts rows and repairs.
fn counts(recording: &Recording) -> &str {
    recording.notes.last().unwrap()
}

fn eeg(recording: &Recording, index: u64) -> Vec<f64> {
    let sample = sample(recording, Stream::Eeg, index);
    sample.as_array().unwrap().iter().filter_map(Value::as_f64).collect()
}

#[test]
fn files_are_taken_as_they_are() {
    for (name, first, repairs) in [
        ("export.csv.gz", 4203.865, "Rows read: 128."),
        ("lower.csv", 4203.865, "Rows read: 59."),
        ("units.csv", 4203.865, "Rows read: 57. Lines of names or units, skipped: 1."),
        (
            "cut-last-line.csv",
            4203.865,
            "Rows read: 128. Lines or records that are cut off, dropped: 1. Dropped: line 130.",
        ),
        ("hz250.csv", 4203.865, "Rows read: 59."),
        ("railed.csv", 8401.923, "Rows read: 58."),
        ("wrap128.csv", 4200.0, "Rows read: 58."),
    ] {
        let recording = case(name);
        assert_eq!(counts(&recording), repairs, "{name}");
        assert!((eeg(&recording, 0)[2] - first).abs() < 1e-9, "{name}");
        assert_eq!(recording.eeg.track.missing(), 0, "{name}");
        assert_eq!(columns(&recording, Stream::Eeg)[2], "AF3", "{name}");
    }
    let recording = case("hz250.csv");
    assert_eq!(recording.spec.eeg_rate, 250);
    assert!(recording.notes.iter().any(|note| note.contains("250 Hz, which no headset has")));
    let pace = recording.time(Stream::Eeg, 590) / 590.0;
    assert!((pace - 1.0 / 250.0).abs() < 1e-6, "{pace}");
    // The counter of a 256 Hz recording may stay below 128.
    let wraps = case("wrap128.csv");
    assert!(!wraps.notes.join(" ").contains("missing"), "{:?}", wraps.notes);
}

#[test]
fn a_channel_that_cannot_be_read_holds_its_last_value_and_a_row_without_any_is_lost() {
    let recording = case("nanword.csv");
    let held: Vec<u64> =
        (0..128).filter(|index| (eeg(&recording, *index)[1] - 1.0).abs() < 0.1).collect();
    assert!(!held.is_empty(), "{:?}", recording.notes);
    assert!(counts(&recording).contains("EEG values that cannot be read"), "{:?}", recording.notes);

    let recording = read("COUNTER,AF3,AF4\n0,,2\n1,10,3\n2,NaN,4\n3,,x\n4,11,5\n,12,6\n").unwrap();
    let expected = "Rows read: 6. EEG values that cannot be read, held at the last one: 2. \
                    Counters that cannot be read or do not fit, filled in: 1. Rows without any \
                    readable EEG, lost samples: 1.";
    assert_eq!(counts(&recording), expected);
    let rows: Vec<Vec<f64>> = (0..4).map(|index| eeg(&recording, index)[1..].to_vec()).collect();
    // A channel without a value at the start has its first one there.
    assert_eq!(rows[..3], [vec![1.0, 10.0, 2.0], vec![0.0, 10.0, 3.0], vec![1.0, 10.0, 4.0]]);
    // The lost sample counts as a step, and so does the row without a counter.
    let counters: Vec<f64> = (0..5).map(|index| eeg(&recording, index)[0]).collect();
    assert_eq!(counters, [0.0, 1.0, 2.0, 4.0, 5.0]);
}

#[test]
fn everything_that_a_modern_export_holds_is_played() {
    let recording = case("epocx-all-streams-256.csv");
    for stream in Stream::ALL.into_iter().filter(|stream| *stream != Stream::Sys) {
        assert!(recording.columns(stream).is_some(), "{stream}");
    }
    assert_eq!((recording.spec.model, recording.spec.eeg_rate), (Model::EpocX, 256));
    assert_eq!(sample(&recording, Stream::Com, 0), json!(["push", 0.5]));
    assert_eq!(
        sample(&recording, Stream::Fac, 0),
        json!(["neutral", "neutral", 0.0, "neutral", 0.0])
    );
    // Clients find them by position (§5.5).
    let labels = columns(&recording, Stream::Eq);
    let first: Vec<_> = labels.as_array().unwrap().iter().take(4).collect();
    assert_eq!(first, ["batteryPercent", "overall", "sampleRateQuality", "AF3"]);
    let quality = sample(&recording, Stream::Eq, 0);
    assert_eq!(
        quality.as_array().unwrap()[..4],
        json!([77.0, 75.0, 1.0, 3.0]).as_array().unwrap()[..]
    );
    let dev = sample(&recording, Stream::Dev, 0);
    assert_eq!(
        (&dev[0], &dev[1], &dev[3], dev[2].as_array().unwrap().len()),
        (&json!(4.0), &json!(1.0), &json!(77.0), 15)
    );
    // No metric has a value within the second: there is no sample, but no refusal either.
    assert!(recording.time(Stream::Met, 0).is_infinite());
    assert!((recording.time(Stream::Pow, 8) - 1.0).abs() < 1e-3);
}

#[test]
fn markers_are_found_under_emotivs_names() {
    let recording = case("trial_INSIGHT_1_2026.01.02T10.00.00.01.00.md.csv");
    let label = |index| sample(&recording, Stream::Eeg, index)[9][0]["label"].clone();
    assert_eq!((label(128), label(256)), (json!("EyesOpen"), json!("EyesClosed")));
    assert_eq!(sample(&recording, Stream::Eeg, 129)[9], json!([]));

    let folder = tempfile::tempdir().unwrap();
    let rows = "COUNTER,AF3,MarkerIndex,MarkerType,MarkerValueInt\n0,1,1,0,7\n1,2,,,\n2,3,,,\n";
    let named = r#"{"Markers":[{"index":1,"label":"found"}]}"#;
    let intervals =
        "latency,duration,type,marker_value,key,timestamp,marker_id\n1,2,found,7,k,1,a\n";
    for (recording, beside, text) in [
        ("a.md.csv", "a.json", named),
        ("b.md.bp.csv", "b.md.bp.markers.json", named),
        ("c.csv", "c.cortex.marker.json", named),
        ("d.csv", "d.marker.json", named),
        ("e.md.csv", "e_intervalMarker.csv", intervals),
    ] {
        let file = folder.path().join(recording);
        fs::write(&file, rows).unwrap();
        let unnamed = Recording::read(&file, |_| ()).unwrap();
        assert!(unnamed.notes.join(" ").contains("they are numbered"), "{recording}");
        fs::write(folder.path().join(beside), text).unwrap();
        let recording = Recording::read(&file, |_| ()).unwrap();
        assert!(!recording.notes.join(" ").contains("they are numbered"), "{beside}");
        assert_eq!(sample(&recording, Stream::Eeg, 0)[3][0]["label"], "found", "{beside}");
    }
}

#[test]
fn the_seam_of_a_loop_is_a_marker() {
    let recording = read("COUNTER,AF3\n0,1\n1,2\n").unwrap();
    let markers = |index| sample(&recording, Stream::Eeg, index)[3].clone();
    assert_eq!((markers(0), markers(1), markers(3)), (json!([]), json!([]), json!([])));
    assert_eq!((&markers(2)[0]["label"], &markers(4)[0]["value"]), (&json!("loop"), &json!(2)));
}

#[test]
fn every_way_to_write_a_table_is_read() {
    use std::io::Write as _;

    let table = "COUNTER,EEG.AF3,EEG.Pz\n0,4200.5,4100.25\n1,4201.5,4101.25\n";
    let semicolons = "COUNTER;EEG.AF3;EEG.Pz\n0;4200,5;4100,25\n1;4201,5;4101,25\n";
    let utf16 = |mark: u16, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        std::iter::once(mark).chain(table.encode_utf16()).flat_map(bytes).collect()
    };
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(table.as_bytes()).unwrap();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(table.as_bytes()).unwrap();
    let titled = |title: &[u8]| [title, b", headset type:INSIGHT\n", table.as_bytes()].concat();
    for (bytes, what) in [
        (table.as_bytes().to_vec(), "as it is"),
        (format!("\u{feff}{table}").into_bytes(), "with a mark"),
        (utf16(0xfeff, u16::to_le_bytes), "UTF-16 LE"),
        (utf16(0xfeff, u16::to_be_bytes), "UTF-16 BE"),
        (titled(b"title:caf\xe9"), "a title in Latin-1"),
        (titled("\"title:a,b".as_bytes()), "a quote that stays open"),
        (
            format!("\"title:a,b, headset type:INSIGHT, sampling rate:eeg_128\"\n{table}")
                .into_bytes(),
            "metadata quoted as one cell",
        ),
        (semicolons.as_bytes().to_vec(), "semicolons and decimal commas"),
        (table.replace(',', "\t").into_bytes(), "tabs"),
        (table.to_lowercase().into_bytes(), "lower case"),
        (table.to_uppercase().into_bytes(), "upper case"),
        (table.replace('\n', ",,\r\n").into_bytes(), "trailing commas"),
        (table.replace("1,4201", "COUNTER,EEG.AF3,EEG.Pz\n1,4201").into_bytes(), "names again"),
        (table.replace("EEG.Pz", "EEG.Pz,EEG.Pz").replace("25\n", "25,9\n").into_bytes(), "twice"),
        (gzip.finish().unwrap(), "gzip"),
        (bzip2.finish().unwrap(), "bzip2"),
    ] {
        let file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
        fs::write(file.path(), bytes).unwrap();
        let recording = Recording::read(file.path(), |_| ()).expect(what);
        assert_eq!(columns(&recording, Stream::Eeg)[2], "AF3", "{what}");
        assert_eq!(columns(&recording, Stream::Eeg)[3], "Pz", "{what}");
        assert_eq!(eeg(&recording, 0), [0.0, 0.0, 4200.5, 4100.25], "{what}");
        assert_eq!(eeg(&recording, 1), [1.0, 0.0, 4201.5, 4101.25], "{what}");
        assert_eq!(recording.eeg.track.position(2), (1, 0), "{what}");
    }
}

#[test]
fn two_columns_of_one_name_are_said_and_the_first_counts() {
    let recording = read("COUNTER,EEG.AF3,EEG.af3,AF4,COUNTER\n0,1,9,2,7\n1,3,9,4,7\n").unwrap();
    assert_eq!(eeg(&recording, 0), [0.0, 0.0, 1.0, 2.0]);
    assert_eq!(eeg(&recording, 1), [1.0, 0.0, 3.0, 4.0]);
    let said = "Duplicate names: EEG.af3, COUNTER; the first column counts.";
    assert!(recording.notes.iter().any(|note| note == said), "{:?}", recording.notes);
}

#[test]
fn facial_expressions_are_played_by_their_numbers() {
    let recording = read(
        "COUNTER,AF3,FE.BlinkWink,FE.HorizontalEyesDirection,FE.UpperFaceAction,\
         FE.UpperFaceActionPower,FE.LowerFaceAction,FE.LowerFaceActionPower\n\
         0,1,0,0,1,0,1,0\n1,2,,,,,,\n2,3,2,0,4,0.25,1,0\n3,4,0,1,1,0,32,0.75\n",
    )
    .unwrap();
    let labels = json!(["eyeAct", "uAct", "uPow", "lAct", "lPow"]);
    assert_eq!(columns(&recording, Stream::Fac), labels);
    let samples: Vec<_> = (0..3).map(|index| sample(&recording, Stream::Fac, index)).collect();
    assert_eq!(
        samples,
        [
            json!(["neutral", "neutral", 0.0, "neutral", 0.0]),
            json!(["action 2", "action 4", 0.25, "neutral", 0.0]),
            json!(["action 1", "neutral", 0.0, "action 32", 0.75]),
        ]
    );
    let notes = recording.notes.join(" ");
    assert!(!notes.contains("Left out") && !notes.contains("held"), "{notes}");
}

#[test]
fn a_counter_may_wrap_anywhere() {
    for (wrap, rate) in [(64, 128), (100, 128), (128, 128), (129, 128), (128, 256), (256, 256)] {
        let rows = (0..600).map(|row: u32| {
            format!("{:.6},{},{row}\n", f64::from(row) / f64::from(rate), (row + 7) % wrap)
        });
        let table = rows.fold("Timestamp,COUNTER,AF3\n".to_owned(), |text, row| text + &row);
        let recording = read(&table).unwrap();
        assert_eq!(recording.eeg.track.missing(), 0, "{wrap} at {rate} Hz");
        for index in 0..600_u32 {
            let expected = [f64::from((index + 7) % wrap), 0.0, f64::from(index)];
            assert_eq!(eeg(&recording, index.into()), expected, "{wrap} at {rate} Hz");
        }
    }
}

#[test]
fn time_stamps_that_do_not_rise_are_spread_and_unknown_sensors_are_played() {
    let row = |row: u32| format!("{}.{:02},{row},1", 100 + row / 128, row % 128 / 2);
    let rows = (0..256).map(row).collect::<Vec<_>>().join("\n");
    let recording = read(&format!("EEG.Timestamp,COUNTER,AF3\n{rows}\n")).unwrap();
    assert!(counts(&recording).contains("Time stamps not later"), "{}", counts(&recording));
    for index in 0..300 {
        let step = recording.time(Stream::Eeg, index + 1) - recording.time(Stream::Eeg, index);
        assert!((step - 1.0 / f64::from(recording.spec.eeg_rate)).abs() < 1e-9, "{index} {step}");
    }

    let recording = read(
        "title:x, headset type:BGX, headset serial:0A1B2C3D\n\
         Timestamp,EEG.Ch-1,EEG.L1,EEG.R1\n1,1,2,3\n1.01,4,5,6\n",
    )
    .unwrap();
    assert_eq!(recording.spec.model, Model::XTrodes);
    assert_eq!(recording.spec.sensors, ["Ch-1", "L1", "R1"]);
    assert_eq!(recording.id, Some("BGX-0A1B2C3D".into()));
    assert_eq!(recording.spec.eeg_rate, 100);
}

/// Reads a file from the folder of recordings.
fn real(name: &str) -> Recording {
    let folder =
        std::env::var_os("CORTOP_DATA").expect("CORTOP_DATA names the folder of recordings");
    Recording::read(&PathBuf::from(folder).join(name), |_| ()).unwrap()
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
    // T7 is the fifth sensor: its contact changes from 2 to 4 at row 45.
    assert_eq!(sample(&recording, Stream::Dev, 0)[2][4], 2.0);
    assert_eq!(sample(&recording, Stream::Dev, 1)[2][4], 4.0);
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

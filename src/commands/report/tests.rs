use std::{f64::consts::TAU, fmt::Write as _, path::PathBuf};

use tempfile::TempDir;

use super::*;

const RATE: f64 = 128.0;
const START: f64 = 1_700_000_000.0;
const SENSORS: [&str; 5] = ["AF3", "T7", "Pz", "T8", "AF4"];

/// A capture of a minute of an Insight: alpha of 20 µV while the eyes are closed (from 30 s on), T7 without a
/// signal, mains hum on Pz, one second missing at 20 s, and AF4 without contact for 10 s.
fn capture() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("minute.jsonl");
    let headset = json!([
        { "id": "INSIGHT-0A1B2C3D", "status": "connected", "settings": { "eegRate": RATE } }
    ]);
    let eeg =
        [&["COUNTER", "INTERPOLATED"][..], &SENSORS, &["RAW_CQ", "MARKER_HARDWARE", "MARKERS"]];
    let group = [&SENSORS[..], &["OVERALL"]].concat();
    let granted = json!({ "failure": [], "success": [
        { "streamName": "eeg", "sid": "s", "cols": eeg.concat() },
        { "streamName": "dev", "sid": "s", "cols": ["Battery", "Signal", group, "BatteryPercent"] },
    ] });
    let mut text = answered(START, 1, "queryHeadsets", &headset);
    text += &answered(START, 2, "subscribe", &granted);
    for index in 0..7680_u32 {
        let since = f64::from(index) / RATE;
        let time = START + since;
        for (at, label) in [(5.0, "eyes open"), (30.0, "eyes closed")] {
            if (since - at).abs() < 1e-9 {
                let date = jiff::Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs_f64(time);
                let date = date.to_string();
                let marker =
                    json!({ "uuid": label, "label": label, "value": label, "startDatetime": date });
                let result = json!({ "recordId": "r", "marker": marker });
                text += &answered(time, 100 + u64::from(index), "injectMarker", &result);
            }
        }
        if index % 64 == 0 {
            let level = if (10.0..20.0).contains(&since) { 0 } else { 4 };
            let dev = json!([3, 2, [4, 4, 4, 4, level, 80], 66]);
            text += &line(time, "service", &json!({ "dev": dev, "sid": "s", "time": time }));
        }
        if (20.0..21.0).contains(&since) {
            continue;
        }
        let alpha = if since >= 30.0 { 20.0 } else { 2.0 } * (TAU * 10.0 * since).sin();
        let noise = f64::from((index * 7919) % 101) / 50.0;
        let mains = 10.0 * (TAU * 50.0 * since).sin();
        let mut eeg = vec![f64::from(index % 128), 0.0];
        eeg.extend([alpha + noise, 0.0, mains + noise, noise, noise].map(|own| 4200.0 + own));
        eeg.extend([0.0, 0.0, 0.0]);
        text += &line(time, "service", &json!({ "eeg": eeg, "sid": "s", "time": time }));
    }
    fs::write(&path, text).expect("written");
    (folder, path)
}

fn line(at: f64, from: &str, message: &Value) -> String {
    let text = message.to_string();
    let line = json!({ "at": at, "event": "text", "connection": 1, "from": from, "text": text });
    format!("{line}\n")
}

/// A request and its answer.
fn answered(at: f64, id: u64, method: &str, result: &Value) -> String {
    let params = json!({ "session": "s" });
    let request = json!({ "id": id, "jsonrpc": "2.0", "method": method, "params": params });
    let answer = json!({ "id": id, "jsonrpc": "2.0", "result": result });
    line(at, "client", &request) + &line(at, "service", &answer)
}

#[test]
fn it_says_what_is_in_a_capture() {
    let (_folder, path) = capture();
    let measured = measure(cortop_files::reader::open(&path).expect("a capture"));
    assert_eq!(measured.headset.as_deref(), Some("INSIGHT-0A1B2C3D"));
    assert_eq!((measured.samples, measured.lost, measured.gap_count), (7552, 128, 1));
    assert!((measured.duration - 60.0).abs() < 0.01, "{}", measured.duration);
    assert!((measured.rate.expect("known") - RATE).abs() < 0.01, "{:?}", measured.rate);
    let gap = measured.gaps[0];
    assert!((gap.at - 20.0).abs() < 0.01 && (gap.seconds - 1.0).abs() < 0.01, "{gap:?}");

    let channel =
        |label: &str| measured.channels.iter().find(|own| own.label == label).expect("it");
    let alpha =
        |place: usize| channel("AF3").spectra[place].bands(measured.lines)[1].expect("alpha");
    // 200 µV² over the four hertz of the band, and 2 µV² with the eyes open.
    assert!((45.0..55.0).contains(&alpha(2)), "{}", alpha(2));
    assert!((0.3..1.0).contains(&alpha(1)), "{}", alpha(1));
    let [railed, flat, off] = channel("T7").bad;
    assert!(flat > 50.0 && railed == 0.0 && off == 0.0, "{:?}", channel("T7").bad);
    assert!(channel("AF3").bad.iter().all(|own| *own == 0.0));
    let (hz, share) = channel("Pz").spectra[0].mains(measured.lines).expect("known");
    assert!((hz - 50.0).abs() < 0.1 && share > 0.9, "{hz} {share}");
    let eyes = measured.eyes;
    assert!((24.0..25.1).contains(&eyes[0]) && (29.9..30.1).contains(&eyes[1]), "{eyes:?}");

    let contact = measured.contact.iter().find(|own| own.label == "AF4").expect("it");
    assert!((contact.seconds[0] - 10.0).abs() < 1.1, "{:?}", contact.seconds);
    assert_eq!(
        (contact.lowest[5], contact.lowest[15], contact.lowest[40]),
        (Some(4), Some(0), Some(4))
    );
    assert_eq!(measured.contact.len(), 5);
    let markers: Vec<_> =
        measured.markers.iter().map(|own| (clock(own.at), own.text.as_str())).collect();
    assert_eq!(markers.len(), 2);
    assert!(markers[0].0 == "0:00:05.0" && markers[1].1.contains("eyes closed"), "{markers:?}");

    let text = text_of("minute.jsonl", &measured);
    for part in [
        "0:01:00.0",
        "128 (1.7 %)",
        "0:00:20.0  1.000 s, 128 samples",
        "flat 5",
        "eyes closed, 0:00:30",
    ] {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
    let json = json_of("minute.jsonl", &measured);
    assert_eq!(
        (json["lost"].as_u64(), json["gaps"][0]["samples"].as_u64()),
        (Some(128), Some(128))
    );
    assert!(
        json["channels"][0]["bands_eyes_closed"]["alpha"].as_f64().is_some_and(|own| own > 45.0)
    );

    let page = html::page("<b>&\"", &measured);
    assert!(page.contains("<title>&lt;b&gt;&amp;&quot;</title>") && page.ends_with("</html>\n"));
    assert!(page.matches("<svg").count() == 3 && page.matches("</svg>").count() == 3);
    for wrong in ["http:", "https:", "<script", "src=", "NaN", "inf"] {
        assert!(!page.contains(wrong), "{wrong}");
    }
}

#[test]
fn a_table_is_read_as_well_and_memory_stays_flat() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hours.csv");
    let mut text = String::from("Timestamp,EEG.Counter,EEG.AF3,EEG.AF4,CQ.AF3,CQ.AF4\n");
    for index in 0..40_000_u32 {
        let time = START + f64::from(index) / 16.0;
        let level = if index < 20_000 { 4 } else { 1 };
        let value = 4200 + index % 7;
        let _ = writeln!(text, "{time},{},{value},{value},{level},4", index % 256);
    }
    fs::write(&path, text).expect("written");
    let measured = measure(cortop_files::reader::open(&path).expect("a table"));
    assert_eq!((measured.lost, measured.gap_count), (0, 0));
    assert!((measured.nominal_rate - 16.0).abs() < 0.01);
    assert!((measured.duration - 2500.0).abs() < 0.1);
    assert_eq!((measured.contact_unknown, unknown_contact(&measured)), (0.0, None));
    let af3 = &measured.contact[0];
    assert!(af3.lowest.len() <= 512 && measured.contact_step > 1.0);
    assert_eq!((af3.lowest.first(), af3.lowest.last()), (Some(&Some(4)), Some(&Some(1))));
    assert!((af3.seconds[1] - 1250.0).abs() < 1.0, "{:?}", af3.seconds);
}

#[test]
fn a_clock_that_is_set_and_a_slow_headset_lose_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("slow.csv");
    let mut text = "Timestamp,EEG.Counter,EEG.AF3\n".to_owned();
    // A headset that samples at 253.8 Hz instead of 256; nothing arrives for 97.77 s, and then the clock is
    // set ahead.
    let (rate, away, set_at) = (253.8, 10_000..10_000 + 24_814, 60_000);
    let heard = (0..70_000_u32).filter(|index| !away.contains(index));
    for index in heard {
        let step = if index >= set_at { 3.217 } else { 0.0 };
        let time = START + f64::from(index) / rate + step;
        let _ = writeln!(text, "{time:.4},{},{}", index % 256, 4200 + index % 7);
    }
    fs::write(&path, text).expect("written");
    let measured = measure(cortop_files::reader::open(&path).expect("a table"));
    assert_eq!((measured.lost, measured.gap_count), (24_814, 1));
    assert!((measured.gaps[0].seconds - 97.77).abs() < 0.1, "{:?}", measured.gaps[0]);
    assert!((measured.rate.expect("known") - rate).abs() < 0.01, "{:?}", measured.rate);
}

#[test]
fn contact_is_unknown_until_the_headset_reports_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("late.csv");
    let mut text = String::from("Timestamp,EEG.Counter,EEG.AF3,EEG.AF4,CQ.AF3,CQ.AF4\n");
    for index in 0..1280_u32 {
        let time = START + f64::from(index) / RATE;
        let levels = if index < 320 { "," } else { "4,2" };
        let _ = writeln!(text, "{time},{},4200,4201,{levels}", index % 128);
    }
    fs::write(&path, text).expect("written");
    let measured = measure(cortop_files::reader::open(&path).expect("a table"));
    assert!((measured.contact_unknown - 2.5).abs() < 0.01, "{}", measured.contact_unknown);
    let at = |sensor: usize, level: usize| shares(&measured.contact[sensor].seconds)[level];
    assert!(at(0, 4) > 0.999 && at(1, 2) > 0.999, "{:?}", measured.contact);
    let said = "Unknown for 0:00:02.5, until the headset reported it; not in the shares.";
    assert!(text_of("late.csv", &measured).contains(said));
    assert!(html::page("late.csv", &measured).contains(said));
    assert_eq!(json_of("late.csv", &measured)["contact"][0]["lowest"][0], Value::Null);
}

#[test]
fn eyes_are_told_by_markers_of_several_spellings() {
    for (text, eyes) in [
        ("eyes open", Some(Some(EyeState::Open))),
        ("Eyes_Closed", Some(Some(EyeState::Closed))),
        ("eyesclose_element", Some(Some(EyeState::Closed))),
        ("closed eyes", Some(Some(EyeState::Closed))),
        ("eyes open end", Some(None)),
        ("blink", None),
    ] {
        assert_eq!(EyeState::of_marker(text), eyes, "{text}");
    }
}

/// Named values are not in the order of the file.
#[test]
fn a_recording_as_lines_names_its_headset_and_has_the_channels_of_it_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lines.jsonl");
    let mut text = String::new();
    for index in 0..512_u32 {
        let values = json!({
            "COUNTER": index % 128, "INTERPOLATED": 0, "AF3": 4200, "T7": 4201, "Pz": 4202,
            "T8": 4203, "AF4": 4204, "RAW_CQ": 0, "MARKER_HARDWARE": 0, "MARKERS": [],
        });
        let time = START + f64::from(index) / RATE;
        let line = json!({
            "stream": "eeg", "headset": "INSIGHT-0A1B2C3D", "session": "s", "time": time,
            "values": values,
        });
        let _ = writeln!(text, "{line}");
    }
    fs::write(&path, text).expect("written");
    let measured = measure(cortop_files::reader::open(&path).expect("a recording"));
    assert_eq!(measured.headset.as_deref(), Some("INSIGHT-0A1B2C3D"));
    let labels: Vec<_> = measured.channels.iter().map(|own| own.label.as_str()).collect();
    assert_eq!(labels, SENSORS);
}

#[test]
fn a_page_is_written_to_a_new_file_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("page.html");
    write_new(&path, "page").expect("written");
    let error = write_new(&path, "page").expect_err("it is there").to_string();
    assert!(error.contains("--html"), "{error}");
}

#[test]
fn lines_that_cannot_be_read_are_told_of() {
    let (_folder, path) = capture();
    let text = fs::read_to_string(&path).expect("text");
    fs::write(&path, &text[..text.len() - 40]).expect("written");
    let measured = measure(cortop_files::reader::open(&path).expect("a capture"));
    let line = text.lines().count();
    let said = format!("1 line left out, line {line}: EOF while parsing");
    assert!(measured.notes.len() == 1 && measured.notes[0].starts_with(&said), "{measured:?}");
    assert!(text_of("minute.jsonl", &measured).contains(&said));
}

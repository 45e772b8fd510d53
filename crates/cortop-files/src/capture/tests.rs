use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use cortop_protocol::{
    Stream,
    wire::{Side, WireEvent, WireEventKind, WireMessage},
};
use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;

use super::*;

/// A folder, and the path of a file in it that does not exist yet.
fn place(name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(name);
    (folder, file)
}

fn text(from: Side, text: &str) -> WireEvent<'_> {
    let kind = WireEventKind::Message { from, message: WireMessage::Text(text) };
    WireEvent { at: Timestamp::now(), recalled: false, connection: 1, kind }
}

/// All lines, and what was wrong.
fn read(path: &std::path::Path) -> (Vec<CaptureLine>, LineTally) {
    let mut reader = CaptureReader::open(path).expect("a capture");
    let lines = std::iter::from_fn(|| reader.next_line()).collect();
    (lines, reader.tally().clone())
}

#[test]
fn what_is_written_is_read_again_without_secrets_compressed_or_not() {
    for name in ["a.jsonl", "a.jsonl.zst"] {
        let (_folder, path) = place(name);
        let capture = CaptureFile::create(&path, "wss://localhost:6868").expect("a new file");
        let again = CaptureFile::create(&path, "x").expect_err("it is there");
        assert_eq!(again.kind(), std::io::ErrorKind::AlreadyExists);
        let secret = r#"{"id":1,"params":{"cortexToken":"a token that nobody may see"}}"#;
        capture.write(&text(Side::Client, secret));
        for index in 0..5000 {
            let sample = format!(r#"{{"eeg":[{index},0,4200.5],"sid":"s","time":{index}.5}}"#);
            capture.write(&text(Side::Service, &sample));
        }
        let kind = WireEventKind::Disconnected { by: Side::Service };
        capture.write(&WireEvent { kind, recalled: true, ..text(Side::Client, "") });
        let state = capture.finish();
        assert_eq!((state.lost, state.error), (0, None));
        let bytes = fs::read(&path).expect("bytes");
        assert_eq!(state.bytes, bytes.len() as u64);
        let is_compressed = name.ends_with("zst");
        assert_eq!(bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]), is_compressed, "{name}");
        assert!(!bytes.windows(7).any(|own| own == b"a token"));

        let (lines, tally) = read(&path);
        assert_eq!((tally.read, tally.bad, tally.cut_off), (5003, 0, None));
        assert_eq!(lines[0].event, CaptureEvent::Began("wss://localhost:6868".to_owned()));
        let CaptureEvent::Text { from, text, .. } = &lines[1].event else { panic!("{lines:?}") };
        assert_eq!(
            (*from, text.as_str()),
            (Side::Client, &*secret.replace("a token that nobody may see", "[hidden]"))
        );
        let last = lines.last().expect("one");
        assert_eq!(last.event, CaptureEvent::Disconnected(1, Side::Service));
        assert!(last.recalled && lines.iter().filter_map(|line| line.at).is_sorted());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).expect("it").permissions().mode() & 0o777, 0o600);
        }
    }
}

/// Compressed lines are written in whole frames: a file that was cut off lacks only its last one.
/// Lines come faster than they are written: those that find no room are counted, and nobody waits.
#[test]
fn a_disk_that_is_too_slow_costs_lines_and_no_time() {
    let (_folder, path) = place("slow.jsonl");
    let capture = CaptureFile::create(&path, "x").expect("a new file");
    let long = format!(r#"{{"eeg":[{}0],"sid":"s","time":1.5}}"#, "4200.125,".repeat(1100));
    let mut longest = Duration::ZERO;
    for _ in 0..12_000 {
        let begun = Instant::now();
        capture.write(&text(Side::Service, &long));
        longest = longest.max(begun.elapsed());
    }
    assert!(longest < Duration::from_millis(500), "{longest:?}");
    let state = capture.finish();
    assert!(state.lost > 0 && state.error.is_none(), "{state:?}");
    let (lines, tally) = read(&path);
    let lost = lines.iter().filter_map(|line| match line.event {
        CaptureEvent::Lost(lines) => Some(lines),
        _ => None,
    });
    let (lost, gaps) = lost.fold((0, 0), |(sum, count), lines| (sum + lines, count + 1));
    assert_eq!(lost, state.lost);
    assert_eq!(tally.read - 1 - gaps + lost, 12_000, "each line is there or counted");
}

/// A pipe that nobody reads accepts as little as a disk that hangs.
#[cfg(unix)]
#[test]
fn a_disk_that_hangs_does_not_hold_the_end() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let file = fs::File::from(std::os::fd::OwnedFd::from(writer));
    let path = PathBuf::from("stuck.jsonl");
    let capture = CaptureFile::begin(file, &path, "x").expect("a thread");
    let long = format!(r#"{{"eeg":[{}0],"sid":"s","time":1.5}}"#, "4200.125,".repeat(1100));
    for _ in 0..20_000 {
        capture.write(&text(Side::Service, &long));
    }
    let begun = Instant::now();
    let state = capture.finish_within(Duration::from_secs(1));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(state.error.as_deref(), Some("the disk has accepted no data for 1 s"));
    assert_eq!(capture.finish(), state, "it is not waited for again");
    drop(reader);
}

#[test]
fn a_file_that_was_cut_off_is_read_up_to_there() {
    let (_folder, path) = place("a.zst");
    let capture = CaptureFile::create(&path, "").expect("a new file");
    for index in 0..20_000 {
        capture.write(&text(Side::Service, &format!(r#"{{"warning":{{"code":{index}}}}}"#)));
        if index % 5000 == 0 {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
    let _ = capture.finish();
    let (all, _) = read(&path);
    let bytes = fs::read(&path).expect("bytes");
    fs::write(&path, &bytes[..bytes.len() - 10]).expect("written");
    let (some, tally) = read(&path);
    assert!(some.len() > all.len() / 2 && all.starts_with(&some), "{} {}", some.len(), all.len());
    let said: Vec<_> = tally.sentences().collect();
    assert!(said.len() == 1 && said[0].starts_with("Not readable beyond line "), "{said:?}");
}

#[test]
fn bad_lines_are_counted_and_named_and_cost_only_themselves() {
    let (_folder, path) = place("a.jsonl");
    fs::write(
        &path,
        "{\"at\":1,\"event\":\"capture\",\"format\":\"cortop-capture\",\"service\":\"s\"}\n\
         not JSON\n\n[1]\n{\"at\":2}\n{\"event\":\"text\",\"at\":\"x\"}\n\
         {\"at\":3,\"event\":\"text\",\"from\":\"client\"}\n\
         {\"at\":3,\"event\":\"of the future\",\"more\":1}\n\
         {\"at\":4,\"event\":\"lost\",\"lines\":7}\n",
    )
    .expect("written");
    let (lines, tally) = read(&path);
    let events: Vec<_> = lines.into_iter().map(|line| line.event).collect();
    let began = CaptureEvent::Began("s".to_owned());
    assert_eq!(events, [began, CaptureEvent::Other, CaptureEvent::Lost(7)]);
    assert_eq!(tally.bad, 5);
    let said: Vec<_> = tally.sentences().collect();
    assert!(said[0].starts_with("5 lines left out, the first is line 2: "), "{said:?}");
}

#[test]
fn lines_of_other_clients_are_samples() {
    let (_folder, path) = place("a.jsonl");
    let mut file = fs::File::create(&path).expect("a file");
    writeln!(file, r#"{{"stream":"eeg","time":10.5,"data":[1,0,4200.1]}}"#).expect("written");
    writeln!(
        file,
        r#"{{"stream":"met","time":11,"session":"s","headset":"h","values":{{"eng":0.5}}}}"#
    )
    .expect("written");
    writeln!(file, r#"{{"stream":"dreams","time":11,"data":[]}}"#).expect("written");
    let (lines, tally) = read(&path);
    assert_eq!((lines.len(), tally.bad), (2, 1));
    let CaptureEvent::Sample(eeg) = &lines[0].event else { panic!("{lines:?}") };
    assert_eq!((eeg.stream, eeg.time, lines[0].at), (Stream::Eeg, Some(10.5), Some(10.5)));
    let ForeignValues::List(values) = &eeg.values else { panic!("{eeg:?}") };
    assert_eq!(values[2], Value::from(4200.1));
    let CaptureEvent::Sample(met) = &lines[1].event else { panic!("{lines:?}") };
    assert_eq!((met.headset.as_deref(), met.session.as_deref()), (Some("h"), Some("s")));
    assert!(matches!(&met.values, ForeignValues::Named(named) if named["eng"] == 0.5));
}

#[test]
fn what_is_no_capture_is_refused_with_the_next_step() {
    for (content, part) in
        [("", "empty"), ("a,b\n1,2\n", "no capture"), ("{\"a\":1}\n", "no capture")]
    {
        let (_folder, path) = place("a.csv");
        fs::write(&path, content).expect("written");
        let error = CaptureReader::open(&path).err().expect("refused").to_string();
        assert!(error.contains(part), "{error}");
    }
}

/// Corrupted bytes in the first frame and in a later one cost only these two frames.
#[test]
fn a_damaged_frame_costs_itself() {
    let (_folder, path) = place("a.zst");
    let frame = |lines: &[u8]| {
        ruzstd::encoding::compress_to_vec(lines, ruzstd::encoding::CompressionLevel::Fastest)
    };
    let (mut whole, mut frames) = (Vec::new(), Vec::new());
    for second in 0..5 {
        let mut lines = Vec::new();
        for line in 0..2000 {
            writeln!(lines, "{{\"at\":{second}.{line:04},\"event\":\"lost\",\"lines\":1}}")
                .expect("written");
        }
        frames.push(whole.len());
        whole.extend(frame(&lines));
    }
    whole.extend(frame(b"{\"at\":9,\"event\":\"lost\",\"lines\":7}\n"));
    for (damage, kept, said) in [
        (vec![frames[0] + 20], 8001, "1 damaged part left out, after line 0"),
        (vec![frames[2] + 6], 8001, "1 damaged part left out, after line 4000"),
        (
            vec![frames[1] + 8, frames[3] + 2],
            6001,
            "2 damaged parts left out, the first after line 2000",
        ),
    ] {
        let mut bytes = whole.clone();
        for at in &damage {
            bytes[*at..*at + 6].fill(0xff);
        }
        fs::write(&path, bytes).expect("written");
        let (lines, tally) = read(&path);
        assert_eq!((lines.len(), tally.bad, &tally.cut_off), (kept, 0, &None), "{damage:?}");
        assert_eq!(tally.sentences().collect::<Vec<_>>(), [said]);
    }
}

/// It fails from the start, like a full disk: this is not slowness, and no empty file remains.
#[test]
fn a_disk_that_takes_nothing_is_not_called_slow() {
    let (_folder, path) = place("full.jsonl");
    fs::write(&path, "").expect("written");
    let file = fs::File::open(&path).expect("read only");
    let capture = CaptureFile::begin(file, &path, "x").expect("a thread");
    while !capture.has_failed() {
        std::thread::yield_now();
    }
    for _ in 0..10 {
        capture.write(&text(Side::Service, "{}"));
    }
    let state = capture.finish();
    assert!(state.lost == 0 && state.error.is_some() && !path.exists(), "{state:?}");
}

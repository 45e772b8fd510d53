//! Tables as spreadsheets, other programs and broken disks leave them.

use std::fmt::Write as _;

use super::*;

const NAMES: &str = "COUNTER,INTERPOLATED,AF3,T7";

/// A table of eight rows, of which some are others.
fn table(others: &[(usize, &str)]) -> String {
    let mut text = format!("{NAMES}\n");
    for row in 0..8 {
        let other = others.iter().find(|(own, _)| *own == row).map(|(_, text)| *text);
        let own = format!("{row},0,{row}.5,4200.25");
        writeln!(text, "{}", other.unwrap_or(&own)).unwrap();
    }
    text
}

fn read_bytes(bytes: &[u8], suffix: &str) -> Result<Recording> {
    let file = tempfile::Builder::new().suffix(suffix).tempfile()?;
    fs::write(file.path(), bytes)?;
    Recording::read(file.path(), |_| ())
}

/// All eight rows are played.
fn is_whole(recording: &Recording, what: &str) {
    assert_eq!(recording.eeg.track.missing(), 0, "{what}: {:?}", recording.notes);
    for row in 0..8_u32 {
        let expected = [f64::from(row), 0.0, f64::from(row) + 0.5, 4200.25];
        assert_eq!(eeg(recording, row.into()), expected, "{what}: {:?}", recording.notes);
    }
}

#[test]
fn a_row_without_a_number_is_a_lost_sample_and_other_lines_are_what_they_are() {
    let missing = ["NaN,NaN,NaN,NaN", "2,0,,", "2,0,NaN,nan", ",,N/A,x", "-,-,-,-"];
    for line in missing {
        let recording = read(&table(&[(2, line)])).unwrap();
        assert!(counts(&recording).contains("lost samples: 1."), "{line}: {}", counts(&recording));
        assert!(!counts(&recording).contains("names"), "{line}: {}", counts(&recording));
        assert_eq!(recording.eeg.track.missing(), 1, "{line}: {:?}", recording.notes);
        assert_eq!(eeg(&recording, 2), [3.0, 0.0, 3.5, 4200.25], "{line}");
    }
    for (line, said) in [
        ("#COUNTER,AF3", "Lines that are no rows, skipped: 1."),
        (NAMES, "Lines of names or units, skipped: 1."),
        (",,uV,uV", "Lines of names or units, skipped: 1."),
        ("1,1,[µV],[µV]", "Lines of names or units, skipped: 1."),
        ("title:x, headset type:INSIGHT, sampling rate:eeg_128", "names or units, skipped: 1."),
        ("# paused", "Lines that are no rows, skipped: 1."),
        ("disk error", "Lines that are no rows, skipped: 1."),
        ("\0\0\0\0", "Lines that are no rows, skipped: 1."),
        ("0,0", "Lines or records that are cut off, dropped: 1."),
    ] {
        let both = format!("{line}\n0,0,0.5,4200.25");
        let recording = read(&table(&[(0, &both)])).unwrap();
        is_whole(&recording, line);
        assert!(counts(&recording).contains(said), "{line}: {}", counts(&recording));
        assert!(!counts(&recording).contains("lost"), "{line}: {}", counts(&recording));
    }
    let millivolts = format!("{NAMES}\n,,mV,mV\n0,0,0.0005,4.20025\n1,0,0.0015,4.20025\n");
    let sample = eeg(&read(&millivolts).unwrap(), 1);
    assert!((sample[2] - 1.5).abs() < 1e-9 && (sample[3] - 4200.25).abs() < 1e-9, "{sample:?}");
}

#[test]
fn interpolated_may_be_a_word() {
    for (word, flag) in [
        ("true", 1.0),
        ("INTERPOLATED", 1.0),
        ("Yes", 1.0),
        ("1.0", 1.0),
        ("false", 0.0),
        ("No", 0.0),
        ("", 0.0),
    ] {
        let recording = read(&table(&[(3, &format!("3,{word},3.5,4200.25"))])).unwrap();
        assert_eq!(eeg(&recording, 3), [3.0, flag, 3.5, 4200.25], "{word}");
    }
}

#[test]
fn names_are_found_behind_comments_and_marks() {
    let own = table(&[]);
    let rows = own.split_once('\n').unwrap().1;
    for (text, what) in [
        (format!("{}{own}", "# comment\n".repeat(300)), "300 comments"),
        (format!("\u{feff}{own}"), "a mark"),
        (format!("\u{feff}\u{feff}{own}"), "two marks"),
        (format!("title:x, headset type:INSIGHT\n\u{feff}{own}"), "a mark before the names"),
        (own.replace("\n3,", "\n\u{feff}3,"), "a mark before a row"),
        (format!("# made by numpy\n# {NAMES}\n{rows}"), "names in a comment"),
        (format!("%{NAMES}\n%\n{rows}"), "names in a comment of another program"),
        (format!("# channels: AF3, T7\n{own}"), "names in a comment and as such"),
    ] {
        is_whole(&read(&text).unwrap(), what);
    }
}

#[test]
fn lines_end_in_every_way_and_one_that_is_too_long_costs_itself_alone() {
    let own = table(&[]);
    let mixed: String = own
        .lines()
        .zip(["\n", "\r\n", "\r"].iter().cycle())
        .flat_map(|(line, end)| [line, end])
        .collect();
    let long = format!("{}\n", "x".repeat(9 << 20));
    let cells = format!("{}\n", "1,".repeat(3 << 20));
    for (text, what, too_long) in [
        (own.replace('\n', "\r"), "CR", 0),
        (own.replace('\n', "\r\n"), "CR LF", 0),
        (own.replace('\n', "\n\r"), "LF CR", 0),
        (mixed, "mixed", 0),
        (own.trim_end().to_owned(), "none at the end", 0),
        (format!("{long}{own}"), "a long first line", 1),
        (own.replace("\n4,", &format!("\n{long}4,")), "a long line", 1),
        (own.replace("\n4,", &format!("\n{cells}{long}4,")), "two long lines", 2),
        (format!("{own}{}", "x".repeat(5 << 20)), "a long last line", 1),
    ] {
        let recording = read(&text).unwrap();
        is_whole(&recording, what);
        let said = format!("Lines that are too long, dropped: {too_long}.");
        assert_eq!(
            counts(&recording).contains(&said),
            too_long > 0,
            "{what}: {}",
            counts(&recording)
        );
    }
}

#[test]
fn decimal_commas_may_be_quoted_and_thousands_separated() {
    for (line, what) in [
        ("\"3\",\"0\",\"3,5\",\"4200,25\"", "decimal commas"),
        ("\"3\",\"0\",\"3.5\",\"4,200.25\"", "thousands with a comma"),
        ("\"3\",\"0\",\"3,5\",\"4.200,25\"", "thousands with a point"),
    ] {
        is_whole(&read(&table(&[(3, line)])).unwrap(), what);
    }
    let semicolons = table(&[(3, "3,0,3.5,4.200#25")]).replace(',', ";").replace('.', ",");
    is_whole(&read(&semicolons.replace("4,200#25", "4.200,25")).unwrap(), "semicolons");
}

#[test]
fn utf16_needs_no_mark() {
    let own = format!("title:Café 😀, headset type:INSIGHT\n{}", table(&[]));
    let long = own.clone() + &"# 😀😀😀😀😀\n".repeat(3000);
    for text in [own, long] {
        for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
            let bytes: Vec<u8> = text.encode_utf16().flat_map(bytes).collect();
            is_whole(&read_bytes(&bytes, ".csv").unwrap(), "UTF-16 without a mark");
        }
    }
}

#[test]
fn time_stamps_may_be_dates() {
    for (first, next) in [
        ("2026-01-02T10:00:59.996", "2026-01-02T10:01:00.000"),
        ("2026-01-02 10:00:59.996", "2026-01-02 10:01:00.000"),
        ("2026-01-02T10:00:59.996Z", "2026-01-02T10:01:00Z"),
        ("2026-01-02T10:00:59.996+01:00", "2026-01-02T10:01:00+01:00"),
        ("10:00:59.996", "10:01:00.000"),
    ] {
        let recording = read(&format!("Timestamp,AF3\n{first},1\n{next},2\n")).unwrap();
        assert_eq!(recording.spec.eeg_rate, 250, "{first}");
        assert!((recording.time(Stream::Eeg, 1) - 0.004).abs() < 1e-6, "{first}");
    }
}

#[test]
fn a_raw_table_of_another_amplifier_is_refused_with_what_is_missing() {
    let muse = "timestamps,TP9,AF7,AF8,TP10,Right AUX\n1.7e9,1,2,3,4,5\n1.7e9,2,3,4,5,6\n";
    let said = ": it has no column Timestamp or COUNTER and no sampling rate, and its sensors are \
                those of no EMOTIV headset, so that its rate is unknown; if it has a column of \
                times, name it Timestamp";
    assert_eq!(refusal(muse), said);
    let rows =
        (0..512).map(|row| format!("{:.3},{row},2,3,4,5\n", f64::from(row / 12 * 12) / 256.0));
    let named =
        rows.fold("Timestamp,TP9,AF7,AF8,TP10,Right AUX\n".to_owned(), |all, row| all + &row);
    assert_eq!(read(&named).unwrap().spec.eeg_rate, 256);
    let openbci = "%OpenBCI Raw EXG Data\nSample Index, EXG Channel 0\n0, 1.0\n1, 2.0\n";
    assert!(refusal(openbci).contains("no line names an EEG sensor"), "{}", refusal(openbci));
    // A line of commas is no line of names, and is not searched for them.
    assert!(refusal(&",".repeat(3 << 20)).contains("no line names an EEG sensor"));
}

#[test]
fn what_is_left_out_is_told_once_and_shortly() {
    let names = "COUNTER,AF3,AF3,PM.Stress.IsActive,PM.Stress.Scaled,PM.Stress.Raw,MOT.Foo,MOT.Bar";
    let recording = read(&format!("{names}\n0,1,1,1,1,1,1,1\n1,2,2,2,2,2,2,2\n")).unwrap();
    let said = "Left out: PM.Stress.Raw, MOT (2 columns).";
    assert!(recording.notes.iter().any(|note| note == said), "{:?}", recording.notes);
    let many: Vec<_> = (0..500).map(|own| format!("X{own}")).collect();
    let cells = ",1".repeat(500);
    let text = format!("COUNTER,AF3,{}\n0,1{cells}\n1,2{cells}\n", many.join(","));
    let recording = read(&text).unwrap();
    let said = "Left out: X0, X1, X2, X3, X4, X5 and 494 more.";
    assert!(recording.notes.iter().any(|note| note == said), "{:?}", recording.notes);
}

#[test]
fn files_of_markers_are_found_in_any_case_and_a_broken_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let rows =
        "COUNTER,AF3,MarkerIndex,MarkerType,MarkerValueInt\n0,1,1,0,7\n1,2,-2,1,-3\n2,3,,,\n";
    let file = folder.path().join("t.MD.CSV");
    fs::write(&file, rows).unwrap();
    let labels = |recording: &Recording| {
        [0, 1].map(|row| sample(recording, Stream::Eeg, row)[3][0]["label"].clone())
    };
    let json =
        "{\"Markers\":\n[{\"index\":\"1\",\"label\":\"one\"},\n{\"index\":-2,\"label\":\"two\"}]}";
    let utf16 =
        |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    for bytes in [json.as_bytes().to_vec(), format!("\u{feff}{json}").into_bytes(), utf16(json)] {
        fs::write(folder.path().join("t.json"), bytes).unwrap();
        let recording = Recording::read(&file, |_| ()).unwrap();
        assert_eq!(labels(&recording), ["one", "two"], "{:?}", recording.notes);
    }
    fs::write(folder.path().join("t.json"), &json[..json.len() - 9]).unwrap();
    let recording = Recording::read(&file, |_| ()).unwrap();
    let notes = recording.notes.join(" ");
    assert!(notes.contains("t.json is broken, line 3 (EOF while parsing"), "{notes}");
    assert!(notes.contains("they are numbered"), "{notes}");
    assert_eq!(labels(&recording), ["1", "-2"]);

    let intervals = "latency,duration,type,marker_value,key,timestamp,marker_id\n\
                     1,0,one,5,,1,1\n2,3\n3,4,two,7,,2,-2\n";
    fs::write(folder.path().join("t_intervalMarker.csv"), intervals).unwrap();
    let recording = Recording::read(&file, |_| ()).unwrap();
    let said = "t_intervalMarker.csv: broken lines, left out: 1; the first is line 3.";
    assert!(recording.notes.iter().any(|note| note == said), "{:?}", recording.notes);
    assert_eq!(labels(&recording), ["one", "two"]);
    let short = "latency,duration,type\n1,0,one\n";
    fs::write(folder.path().join("t_intervalMarker.csv"), short).unwrap();
    let notes = Recording::read(&file, |_| ()).unwrap().notes.join(" ");
    let said = "t_intervalMarker.csv is broken, line 1 (it has no column marker_value)";
    assert!(notes.contains(said), "{notes}");
}

#[test]
fn files_that_were_put_together_may_have_their_columns_in_another_order() {
    let mut text = table(&[(7, "7,0,7.5,4200.25")]);
    text.truncate(text.find("\n4,").unwrap() + 1);
    text += "T7,AF3,INTERPOLATED,COUNTER,AF4\n";
    (4..8).for_each(|row| writeln!(text, "4200.25,{row}.5,0,{row},9").unwrap());
    let recording = read(&text).unwrap();
    is_whole(&recording, "another order");
    assert!(counts(&recording).contains("names or units, skipped: 1."), "{}", counts(&recording));
}

#[test]
fn names_may_have_their_unit_and_quotes() {
    for names in ["Timestamp (s),COUNTER,AF3 (uV),T7[µV]", "'Timestamp','COUNTER','AF3','T7'"] {
        let recording = read(&format!("{names}\n1,0,1,2\n1.004,1,3,4\n")).unwrap();
        assert_eq!(recording.spec.sensors, ["AF3", "T7"], "{names}");
        assert_eq!(recording.spec.eeg_rate, 250, "{names}");
    }
}

#[test]
fn files_may_be_compressed_twice() {
    use std::io::Write as _;

    let gzip = |bytes: &[u8]| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    };
    is_whole(&read_bytes(&gzip(&gzip(table(&[]).as_bytes())), ".csv.gz").unwrap(), "twice");
}

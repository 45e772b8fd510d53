//! Tables as spreadsheets, other programs and broken disks leave them.

use std::fmt::Write as _;

use super::*;

const NAMES: &str = "COUNTER,INTERPOLATED,AF3,T7";

/// A table of eight rows, some of which are replaced.
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

/// Asserts that all eight rows are played.
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
    let muse = "TP9,AF7,AF8,TP10,Right AUX\n1,2,3,4,5\n2,3,4,5,6\n";
    let said = ": it has no column of times, no COUNTER and no sampling rate, and its sensors are \
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
    // A line of commas has no names, and is not searched for them.
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

#[test]
fn a_column_of_times_may_have_many_names() {
    let rows = |time: &str| {
        let rows =
            (0..512_u32).map(|row| format!("{row},{},{:.4}\n", row + 1, f64::from(row) / 256.0));
        rows.fold(format!("AF3,T7,{time}\n"), |all, row| all + &row)
    };
    for name in [
        "time",
        "Time",
        "t",
        "times",
        "timestamps",
        "TIMESTAMP",
        "Time Stamp",
        "time_stamp_s",
        "Time (s)",
        "TIME [sec]",
        "seconds",
        "Seconds",
        "LSL time",
        "lsl_timestamp",
        "Unix Timestamp",
        "UnixTime",
        "time_s",
        "Time:256Hz",
        "Elapsed Time",
        "Timestamp (Formatted)",
        "Time..s.",
        "'time'",
        "\"time\"",
        "OriginalTimestamp",
    ] {
        let recording = read(&rows(name)).unwrap();
        assert_eq!(recording.spec.eeg_rate, 256, "{name}: {:?}", recording.notes);
        assert!(!recording.notes.join(" ").contains("Left out"), "{name}: {:?}", recording.notes);
    }
    for name in ["Marker time", "time zone", "reaction time", "epoch", "test", "T"] {
        let recording = read(&rows(name)).unwrap();
        let expected = if name == "T" { 256 } else { 128 };
        assert_eq!(recording.spec.eeg_rate, expected, "{name}: {:?}", recording.notes);
    }
    // EmotivPRO's own name wins, wherever it is; the others are mentioned.
    for names in
        ["time,AF3,Timestamp", "OriginalTimestamp,AF3,Timestamp", "Other time,AF3,Timestamp"]
    {
        let rows =
            (0..512_u32).map(|row| format!("{},1,{:.4}\n", row * row, f64::from(row) / 256.0));
        let recording = read(&rows.fold(format!("{names}\n"), |all, row| all + &row)).unwrap();
        assert_eq!(recording.spec.eeg_rate, 256, "{names}");
        assert!(recording.notes.join(" ").contains("Left out: "), "{names}: {:?}", recording.notes);
    }
}

/// A table of 40 rows with these names, written row by row.
fn rows(names: &str, row: impl Fn(u32) -> String) -> String {
    (0..40).fold(format!("{names}\n"), |all, own| all + &row(own) + "\n")
}

#[test]
fn decimal_commas_that_also_separate_cells_are_put_together_where_that_is_certain() {
    let said = "Its decimal commas also separate its cells: each number is put together from two.";
    for (text, what) in [
        (rows("COUNTER,AF3,T7", |row| format!("{row},{row},50,4200,25")), "with a counter"),
        (rows("AF3,T7", |row| format!("{row},50,4200,25")), "sensors alone"),
        (
            rows("time,AF3,T7", |row| format!("1,{:03},{row},50,4200,25", 4 * row)),
            "with decimal times",
        ),
        (
            rows("Timestamp,AF3,T7,MarkerIndex", |row| format!("{},{row},50,4200,25,", 4 * row)),
            "with whole times",
        ),
        (
            rows("COUNTER,AF3,T7,PM.Focus.Scaled", |row| format!("{row},{row},50,4200,25,,")),
            "with empty cells",
        ),
    ] {
        let recording = read(&text).unwrap();
        assert!(recording.notes.iter().any(|note| note == said), "{what}: {:?}", recording.notes);
        for row in 0..40_u32 {
            let cells = eeg(&recording, row.into());
            assert_eq!(cells[2..], [f64::from(row) + 0.5, 4200.25], "{what}");
        }
    }
    // Rows whose numbers happen to be whole have fewer cells.
    let chance = rows("COUNTER,AF3,T7", |row| match row {
        7 | 20 => format!("{row},{row},4200,25"),
        _ => format!("{row},{row},50,4200,25"),
    });
    let recording = read(&chance).unwrap();
    let said = "Rows with more values than names, dropped: 2. Dropped: lines 9, 22";
    assert!(counts(&recording).contains(said), "{}", counts(&recording));
    assert_eq!(recording.eeg.track.missing(), 2);
    // With one sensor after a number, it is ambiguous which one is meant.
    let refused = refusal(&rows("time,AF3", |row| format!("{row},4200,25")));
    assert!(refused.contains("more values than its columns have names (line 2, say)"), "{refused}");
}

#[test]
fn rows_with_more_values_than_names_are_dropped_and_named() {
    let two_in_one = "3,0,3.5,4200.25,4,0,4.5,4200.25";
    for line in ["3,0,3,5,4200.25", two_in_one, "3,0,3.5,4200.25,x", "3,0,3.5,4200.25,,9"] {
        let recording = read(&table(&[(3, line)])).unwrap();
        let said = "Rows with more values than names, dropped: 1. Dropped: line 5; is there a comma \
                    within a value?";
        assert!(counts(&recording).contains(said), "{line}: {}", counts(&recording));
        assert_eq!(recording.eeg.track.missing(), 1, "{line}");
        assert_eq!(eeg(&recording, 3), [4.0, 0.0, 4.5, 4200.25], "{line}");
    }
    is_whole(&read(&table(&[(3, "3,0,3.5,4200.25,,, ")])).unwrap(), "empty cells");
}

#[test]
fn row_numbers_without_a_name_are_left_out() {
    for (text, what) in [
        (rows("COUNTER,AF3,T7", |row| format!("{},{row},{row}.5,4200.25", row + 1)), "as R has it"),
        (rows("AF3,T7", |row| format!("\"{}\",{row}.5,4200.25", row + 1)), "quoted"),
        (rows("AF3,T7", |row| format!("a{row},{row}.5,4200.25")), "names"),
        (rows(",AF3,T7", |row| format!("{row},{row}.5,4200.25")), "under an empty name"),
    ] {
        let recording = read(&text).unwrap();
        assert_eq!(eeg(&recording, 3)[2..], [3.5, 4200.25], "{what}: {:?}", recording.notes);
        let is_said = recording.notes.join(" ").contains("Its rows begin with a number");
        assert_eq!(is_said, !what.contains("empty"), "{what}: {:?}", recording.notes);
    }
}

#[test]
fn separators_that_a_spreadsheet_leaves_out_cost_no_rows() {
    let trimmed = rows("COUNTER,AF3,T7,PM.Focus.Scaled,PM.Stress.Scaled", |row| match row {
        16.. => format!("{row},{row}.5,4200.25"),
        _ => format!("{row},{row}.5,4200.25,,"),
    });
    let recording = read(&trimmed).unwrap();
    assert_eq!(counts(&recording), "Rows read: 40.");
    // What is cut off is still dropped.
    let recording = read(&(trimmed + "40,40.5,42")).unwrap();
    assert!(
        counts(&recording).ends_with("dropped: 1. Dropped: line 42."),
        "{}",
        counts(&recording)
    );
}

#[test]
fn comments_and_lines_before_the_names_are_counted() {
    let own = table(&[]);
    let rows = own.split_once('\n').unwrap().1;
    for (text, skipped) in [
        (format!("My study\nRoom 3\n\n{own}"), 2),
        (format!("// made by a program\n{own}"), 1),
        (format!("# made by numpy\n# {NAMES}\n{rows}"), 1),
        (own.replace("\n4,", "\n#4,0,4.5,4200.25\n4,"), 1),
        (own.replace("\n4,", "\n// 1,2,3,4\n%1,2,3,4\n4,"), 2),
    ] {
        let recording = read(&text).unwrap();
        is_whole(&recording, &text);
        let said = format!("Lines that are no rows, skipped: {skipped}.");
        assert!(counts(&recording).contains(&said), "{text}: {}", counts(&recording));
    }
}

#[test]
fn a_line_of_metadata_that_names_the_columns_is_no_skipped_line() {
    let rows = table(&[]).split_once('\n').unwrap().1.replace('\n', ",\n");
    for before in ["", "# "] {
        let text = format!("{before}{NAMES},sampling rate:128\n{rows}");
        let recording = read(&text).unwrap();
        is_whole(&recording, &text);
        let notes = recording.notes.join("\n");
        assert!(!notes.contains("are no rows"), "{text}: {notes}");
    }
}

#[test]
fn units_are_taken_from_names_and_said_where_only_the_values_show_them() {
    let volts =
        |names: &str| rows(names, |row| format!("{row},{:e},{:e}", 1e-6 * f64::from(row), -2e-5));
    for names in [
        "COUNTER,AF3 (V),T7 [V]",
        "COUNTER,AF3_V,T7 V",
        "units:V, sampling rate:eeg_128\nCOUNTER,AF3,T7",
        "COUNTER,AF3,T7\n,V,volts",
        "COUNTER,AF3..V.,T7..V.",
    ] {
        let recording = read(&volts(names)).unwrap();
        let cells = eeg(&recording, 3);
        assert!(
            (cells[2] - 3.0).abs() < 1e-9 && (cells[3] + 20.0).abs() < 1e-9,
            "{names} {cells:?}"
        );
        assert!(!recording.notes.join(" ").contains("looks like"), "{:?}", recording.notes);
    }
    let said = "Its EEG looks like volts, and is played as µV; if so, name the unit: AF3 (V).";
    let recording = read(&volts("COUNTER,AF3,T7")).unwrap();
    assert!(recording.notes.iter().any(|note| note == said), "{:?}", recording.notes);
    let offset = |scale: f64| {
        let cell = move |row: u32| (4200.0 + f64::from(row)) * scale;
        read(&rows("COUNTER,AF3", |row| format!("{row},{}", cell(row)))).unwrap().notes.join(" ")
    };
    assert!(offset(1e-6).contains("looks like volts"), "{}", offset(1e-6));
    assert!(offset(1e-3).contains("looks like millivolts"), "{}", offset(1e-3));
    assert!(!offset(1.0).contains("looks like"), "{}", offset(1.0));
    assert!(
        !read(&rows("COUNTER,AF3", |row| format!("{row},0")))
            .unwrap()
            .notes
            .join(" ")
            .contains("looks")
    );
}

#[test]
fn what_no_converter_gives_is_not_believed() {
    for cell in ["1e308", "inf", "-Infinity", "9.3e18", "-9223372036854775808", "1e30"] {
        let recording = read(&table(&[(3, &format!("3,0,{cell},4200.25"))])).unwrap();
        assert_eq!(eeg(&recording, 3), [3.0, 1.0, 2.5, 4200.25], "{cell}");
        let said = "EEG values that cannot be read, held at the last one: 1.";
        assert!(counts(&recording).contains(said), "{cell}: {}", counts(&recording));
    }
}

#[test]
fn zeros_behind_compressed_data_are_no_damage_and_damage_costs_what_it_hits() {
    use std::io::Write as _;

    let gzip = |bytes: &[u8]| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    };
    let bzip2 = |bytes: &[u8]| {
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bzip2.write_all(bytes).unwrap();
        bzip2.finish().unwrap()
    };
    let own = table(&[]);
    let (first, second) = own.as_bytes().split_at(own.len() / 2);
    for compress in [&gzip as &dyn Fn(&[u8]) -> Vec<u8>, &bzip2] {
        for (bytes, what) in [
            ([compress(own.as_bytes()), vec![0; 10_000]].concat(), "zeros behind it"),
            ([compress(first), compress(second)].concat(), "two members"),
            ([compress(first), vec![0; 512], compress(second), vec![0]].concat(), "zeros between"),
        ] {
            let recording = read_bytes(&bytes, ".csv").unwrap();
            is_whole(&recording, what);
            assert_eq!(counts(&recording), "Rows read: 8.", "{what}: {:?}", recording.notes);
        }
        let junk = [compress(own.as_bytes()), b"junk".to_vec()].concat();
        let recording = read_bytes(&junk, ".csv").unwrap();
        is_whole(&recording, "junk");
        let notes = recording.notes.join(" ");
        assert!(notes.contains("beyond row 8 (the bytes after its "), "{notes}");
    }
    // A member that is cut off within a row, followed by something else.
    let long = rows("COUNTER,AF3,T7", |row| format!("{row},{row}.5,{}", row * row * 7919 % 1000));
    let whole = gzip(long.as_bytes());
    let mut named = 0;
    for length in whole.len() / 2..whole.len() * 3 / 4 {
        for junk in [&[][..], &[0xff; 64]] {
            let recording = read_bytes(&[&whole[..length], junk].concat(), ".csv.gz").unwrap();
            let notes = recording.notes.join(" ");
            assert!(notes.contains("The file cannot be read beyond row "), "{notes}");
            assert!(notes.contains(" (its gzip data are cut off or damaged)"), "{notes}");
            named += u32::from(notes.contains("dropped: 1. Dropped: line "));
        }
    }
    assert!(named > 20, "{named}");
}

#[test]
fn formats_that_are_none_of_a_recording_are_refused_by_their_names() {
    for (bytes, said) in [
        (&b"PK\x03\x04\x14\0\0\0"[..], "it is a zip archive or an Excel workbook; unpack it"),
        (b"7z\xbc\xaf\x27\x1c\0\x04", "it is a 7-Zip archive; unpack it"),
        (b"\xfd7zXZ\0\0\x04", "it is compressed with xz"),
        (b"\x89HDF\r\n\x1a\n", "it is an HDF5 file"),
        (b"MATLAB 5.0 MAT-file, Platform", "it is a MATLAB file"),
        (
            b"Brain Vision Data Exchange Header File Version 1.0\n",
            "it is the header of a BrainVision",
        ),
    ] {
        let error = read_bytes(bytes, ".csv").err().unwrap().to_string();
        assert!(error.contains(said), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn tables_of_other_programs_are_read() {
    let swiss = rows("COUNTER;AF3;T7", |row| format!("{row};{row},5;4\'200,25"));
    let french = rows("COUNTER;AF3;T7", |row| format!("{row};{row},5;4\u{202f}200,25"));
    let spaces = rows("COUNTER AF3 T7", |row| format!(" {row}   {row}.5   4200.25"));
    let r =
        rows("\"COUNTER\" \"AF3\" \"T7\"", |row| format!("\"{}\" {row} {row}.5 4200.25", row + 1));
    let numpy = rows("# COUNTER AF3 T7", |row| format!("{row} {row}.5 4200.25"));
    let pipes = rows("COUNTER|AF3|T7", |row| format!("{row}|{row}.5|4200.25"));
    let breaks = rows("\"COUNTER\",\"AF3\n(uV)\",\"T7\n[µV]\",Note", |row| match row {
        7 => format!("{row},{row}.5,4200.25,\"eyes\nclosed\""),
        _ => format!("{row},{row}.5,4200.25,"),
    });
    let prose = format!("AF3 and T7 were bad\nAF3 T7\n{spaces}");
    for (text, what) in [
        (swiss, "apostrophes"),
        (french, "narrow spaces"),
        (spaces, "spaces"),
        (r, "R"),
        (numpy, "numpy"),
        (pipes, "pipes"),
        (breaks, "line breaks in quotes"),
        (prose, "prose before the names"),
    ] {
        let recording = read(&text).expect(what);
        for row in 0..40_u32 {
            let expected = [f64::from(row), 0.0, f64::from(row) + 0.5, 4200.25];
            assert_eq!(eeg(&recording, row.into()), expected, "{what}: {:?}", recording.notes);
        }
    }
    let monitor = rows("TimeStamp,Delta_TP9,RAW_TP9,RAW_AF7,Elements", |row| {
        let own = format!("2026-01-02 10:00:00.{:03},1,{row}.5,800,", 4 * row);
        if row % 10 == 5 {
            format!("{own}\n2026-01-02 10:00:00.{:03},,,,/blink", 4 * row)
        } else {
            own
        }
    });
    let recording = read(&monitor).unwrap();
    assert_eq!((recording.spec.eeg_rate, recording.eeg.track.missing()), (250, 0));
    assert_eq!(recording.spec.sensors, ["TP9", "AF7"]);
    assert!(counts(&recording).contains("are no rows, skipped: 4."), "{}", counts(&recording));
}

#[test]
fn times_that_cannot_be_read_or_run_backwards_are_said() {
    let said = |text: &str, what: &str| {
        let notes = read(text).unwrap().notes.join(" ");
        assert!(notes.contains(what), "{notes}");
    };
    said(
        &rows("Time,AF3", |row| format!("noon,{row}")),
        "Its timestamps cannot be read: 128 Hz is",
    );
    said(
        &rows("Time,COUNTER,AF3", |row| format!("{},{},{row}", 100 - row, 100 - row)),
        "Its timestamps run backwards: 128 Hz is assumed; sort its rows by time.",
    );
    let german = rows("Zeit;AF3", |row| format!("02.01.2026 10:00:00,{:03};{row},5", 4 * row));
    assert_eq!(read(&german).unwrap().spec.eeg_rate, 250);
}

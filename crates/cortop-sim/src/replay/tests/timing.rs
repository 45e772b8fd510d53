//! Time stamps and counters as found in real files: units, rounding, outliers, clocks that were
//! set, and the notes about them.

use super::*;

const START: f64 = 1_717_000_000.0;

/// A table of three seconds at a rate, with the time stamp and counter of each row.
fn table(rate: u32, stamp: impl Fn(u32, f64) -> String, counter: impl Fn(u32) -> String) -> String {
    let rows = (0..3 * rate).map(|row| {
        let time = START + f64::from(row) / f64::from(rate);
        format!("{},{},{}\n", stamp(row, time), counter(row), row)
    });
    rows.fold("Timestamp,COUNTER,AF3\n".to_owned(), |text, row| text + &row)
}

fn plain(_: u32, time: f64) -> String {
    format!("{time:.6}")
}

fn counted(row: u32) -> String {
    (row % 128).to_string()
}

fn uncounted(_: u32) -> String {
    String::new()
}

/// Asserts that every row is played at its time and with its counter, round after round.
fn is_even(recording: &Recording, rate: u32, what: &str) {
    let rows = 3 * rate;
    assert_eq!(recording.spec.eeg_rate, rate, "{what}");
    assert_eq!(recording.eeg.track.missing(), 0, "{what}: {:?}", recording.notes);
    for index in 0..2 * rows {
        let time = recording.time(Stream::Eeg, index.into());
        let expected = f64::from(index) / f64::from(rate);
        assert!((time - expected).abs() < 2e-3, "{what}: {index} at {time}, {:?}", recording.notes);
        assert_eq!(eeg(recording, index.into())[2..], [f64::from(index % rows)], "{what}");
    }
    let counters = |index| recording.eeg.track.sample(index).0;
    for index in 0..u64::from(rows) - 1 {
        assert!([0, counters(index) + 1].contains(&counters(index + 1)), "{what}: {index}");
    }
}

#[test]
fn time_stamps_may_be_of_any_unit() {
    for (unit, digits, name) in
        [(1e3, 3, "milliseconds"), (1e6, 0, "microseconds"), (1e9, 0, "nanoseconds")]
    {
        for start in [0.0, START] {
            let stamp = |_, time: f64| format!("{:.digits$}", (time - START + start) * unit);
            for counter in [counted, uncounted] {
                for rate in [128, 256, 500] {
                    let what = format!("{name} from {start} at {rate} Hz");
                    let recording = read(&table(rate, stamp, counter)).unwrap();
                    is_even(&recording, rate, &what);
                    let said = format!("Its timestamps are taken for {name}.");
                    assert!(recording.notes.contains(&said), "{what}: {:?}", recording.notes);
                }
            }
        }
    }
    let days = |_, time: f64| format!("{:.12}", 45_000.0 + (time - START) / 86_400.0);
    let recording = read(&table(128, days, counted)).unwrap();
    is_even(&recording, 128, "days");
    // Slow and fast rates are recognized.
    let seconds = |rate| read(&table(rate, plain, counted)).unwrap();
    is_even(&seconds(10), 10, "10 Hz");
    let fast = seconds(10_000);
    is_even(&fast, 10_000, "10 kHz");
    assert!(fast.notes.join(" ").contains("It has 10000 Hz, which no headset has"));
}

#[test]
fn a_clock_that_is_set_while_samples_go_on_costs_nothing() {
    for (from, seconds) in
        [(50, 3600.0), (50, 3.37), (50, 5.0), (50, -3600.0), (50, 31_536_000.0), (383, 1.0)]
    {
        let stamp = |row, time: f64| plain(row, time + if row >= from { seconds } else { 0.0 });
        let recording = read(&table(128, stamp, counted)).unwrap();
        is_even(&recording, 128, &format!("{seconds} s from row {from}"));
        let said = if from == 383 { "Time stamps that cannot" } else { "Steps of the clock" };
        assert!(counts(&recording).contains(said), "{seconds}: {}", counts(&recording));
    }
    // Repeatedly, so that few sections are without a step.
    let often = |row, time: f64| plain(row, time + f64::from(row / 100) * 3600.0);
    is_even(&read(&table(128, often, counted)).unwrap(), 128, "again and again");
    // A clock that stood at 0 at first.
    let late = |row, time: f64| plain(row, if row < 5 { 0.0 } else { time });
    for counter in [counted, uncounted] {
        is_even(&read(&table(128, late, counter)).unwrap(), 128, "a clock that is set late");
    }
    // Without a counter, a step back is still a step; a step ahead may be a gap.
    let back = |row, time: f64| plain(row, time - if row >= 50 { 60.0 } else { 0.0 });
    is_even(&read(&table(128, back, uncounted)).unwrap(), 128, "back without a counter");
    let ahead = |row, time: f64| plain(row, time + if row >= 128 { 10.0 } else { 0.0 });
    let recording = read(&table(128, ahead, uncounted)).unwrap();
    assert_eq!(recording.eeg.track.missing(), 1280, "{:?}", recording.notes);
    assert!((recording.time(Stream::Eeg, 128) - 11.0).abs() < 1e-6);
    assert!(
        recording.notes.join(" ").contains("; the longest gap lasts 10.0 s."),
        "{:?}",
        recording.notes
    );
}

#[test]
fn a_gap_of_whole_rounds_of_the_counter_is_counted_by_its_time() {
    for lost in [1, 100, 129, 300, 1281] {
        let of = |row: u32| if row >= 200 { row + lost } else { row };
        let stamp = |row, _| plain(row, START + f64::from(of(row)) / 128.0);
        let recording = read(&table(128, stamp, |row| counted(of(row)))).unwrap();
        assert_eq!(recording.eeg.track.missing(), u64::from(lost), "{:?}", recording.notes);
        let time = recording.time(Stream::Eeg, 200);
        assert!((time - f64::from(200 + lost) / 128.0).abs() < 1e-6, "{lost}: {time}");
    }
}

#[test]
fn odd_time_stamps_are_filled_in_and_counted() {
    for (rows, odd) in [
        (0..1, 0.0),
        (50..51, 0.0),
        (50..51, START + 3600.0),
        (50..51, START - 60.0),
        (50..55, START + 12.0),
        (383..384, START + 1e6),
    ] {
        for counter in [counted, uncounted] {
            let stamp = |row, time: f64| plain(row, if rows.contains(&row) { odd } else { time });
            let recording = read(&table(128, stamp, counter)).unwrap();
            is_even(&recording, 128, &format!("{odd} at {rows:?}"));
            assert!(counts(&recording).contains("Time stamps"), "{}", counts(&recording));
        }
    }
    // Once per second, a stamp is an hour off.
    let stamp = |row, time: f64| plain(row, time + if row % 128 == 7 { 3600.0 } else { 0.0 });
    let recording = read(&table(128, stamp, counted)).unwrap();
    is_even(&recording, 128, "once a second");
    assert!(counts(&recording).contains("fit, filled in: 3."), "{}", counts(&recording));
    for bad in ["", "x", "NaN"] {
        let stamp =
            |row, time| if [0, 60, 61, 383].contains(&row) { bad.into() } else { plain(row, time) };
        let recording = read(&table(128, stamp, counted)).unwrap();
        is_even(&recording, 128, bad);
        assert!(counts(&recording).contains("fit, filled in: 4."), "{}", counts(&recording));
    }
}

#[test]
fn rounded_and_doubled_time_stamps_tell_the_rate() {
    for rate in [100, 128, 250, 256] {
        for step in [1.0, 0.1, 0.01, 0.016] {
            let stamp = |_, time: f64| format!("{:.3}", (time / step + 1e-6).floor() * step);
            let what = format!("{rate} Hz rounded to {step}");
            is_even(&read(&table(rate, stamp, counted)).unwrap(), rate, &what);
            is_even(&read(&table(rate, stamp, uncounted)).unwrap(), rate, &what);
        }
        // Twelve at a time, as Bluetooth delivers them.
        let stamp = |row: u32, _| plain(row, START + f64::from(row / 12 * 12) / f64::from(rate));
        is_even(&read(&table(rate, stamp, counted)).unwrap(), rate, "in bursts");
    }
}

#[test]
fn a_counter_that_cannot_be_read_is_filled_in_and_counted() {
    for bad in ["", "x", "1e14", "-5", "5000000", "999"] {
        for rows in [&[50_u32][..], &[0, 1], &[127, 128], &[383]] {
            let counter = |row| if rows.contains(&row) { bad.to_owned() } else { counted(row) };
            for stamp in [plain, |_, _| "x".to_owned()] {
                let recording = read(&table(128, stamp, counter)).unwrap();
                is_even(&recording, 128, &format!("{bad} at {rows:?}"));
                let said = format!(
                    "Counters that cannot be read or do not fit, filled in: {}.",
                    rows.len()
                );
                assert!(counts(&recording).contains(&said), "{bad}: {}", counts(&recording));
                for row in 0..384_u32 {
                    assert_eq!(
                        eeg(&recording, row.into())[..1],
                        [f64::from(row % 128)],
                        "{bad} {row}"
                    );
                }
            }
        }
    }
    // A loss elsewhere is preserved.
    let of = |row: u32| if row >= 100 { row + 10 } else { row };
    let counter = |row| if row == 50 { String::new() } else { counted(of(row)) };
    let stamp = |row, _| plain(row, START + f64::from(of(row)) / 128.0);
    let recording = read(&table(128, stamp, counter)).unwrap();
    assert_eq!(recording.eeg.track.missing(), 10, "{:?}", recording.notes);
}

#[test]
fn a_counter_falls_once_or_stands_still() {
    let recording = read(&table(128, plain, |row| (row % 255).to_string())).unwrap();
    is_even(&recording, 128, "a wrap at 255");
    assert_eq!(eeg(&recording, 255)[..1], [0.0]);
    let recording = read(&table(128, plain, |_| "0".to_owned())).unwrap();
    is_even(&recording, 128, "no counter in its column");
    let said = "Its counter does not count samples";
    assert!(recording.notes.join(" ").contains(said), "{:?}", recording.notes);
}

#[test]
fn doubled_rows_are_sent_once() {
    let once = table(128, plain, counted);
    let (names, rows) = once.split_once('\n').unwrap();
    let twice: String = rows.lines().flat_map(|row| [row, "\n", row, "\n"]).collect();
    let recording = read(&format!("{names}\n{twice}")).unwrap();
    is_even(&recording, 128, "doubled");
    let said = "Duplicate rows, the second dropped: 384.";
    assert!(counts(&recording).contains(said), "{}", counts(&recording));
}

#[test]
fn a_rate_that_the_time_stamps_contradict_is_said() {
    let stamped = table(128, plain, uncounted);
    let titled =
        |rate| format!("title:x, headset type:INSIGHT, sampling rate:eeg_{rate}\n{stamped}");
    let recording = read(&titled(256)).unwrap();
    is_even(&recording, 128, "named 256 Hz");
    let said = "It says 256 Hz; by its timestamps it has 128 Hz.";
    assert!(recording.notes.iter().any(|note| note == said), "{:?}", recording.notes);
    assert!(!read(&titled(128)).unwrap().notes.join(" ").contains("It says"));
}

/// An EDF+D file of three records of one second with these onsets.
fn edf(onsets: [&str; 3]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut put = |text: &str, width: usize| bytes.extend(format!("{text:width$}").bytes());
    for (text, width) in [
        ("0", 8),
        ("X X X X", 80),
        ("Startdate 01-JAN-2026 X X X", 80),
        ("01.01.26", 8),
        ("10.00.00", 8),
        ("768", 8),
        ("EDF+D", 44),
        ("3", 8),
        ("1", 8),
        ("2", 4),
    ] {
        put(text, width);
    }
    let fields: [(&str, &str, usize); 10] = [
        ("AF3", "EDF Annotations", 16),
        ("", "", 80),
        ("uV", "", 8),
        ("-32768", "-1", 8),
        ("32767", "1", 8),
        ("-32768", "-32768", 8),
        ("32767", "32767", 8),
        ("", "", 80),
        ("128", "8", 8),
        ("", "", 32),
    ];
    for (own, annotations, width) in fields {
        put(own, width);
        put(annotations, width);
    }
    for (record, onset) in (0_i16..).zip(onsets) {
        bytes.extend((0..128).flat_map(|sample| (128 * record + sample).to_le_bytes()));
        let mut list = format!("{onset}\x14\x14\0").into_bytes();
        list.resize(16, 0);
        bytes.extend(list);
    }
    bytes
}

#[test]
fn records_of_edf_may_go_back() {
    let file = tempfile::Builder::new().suffix(".edf").tempfile().unwrap();
    for (onsets, missing, steps) in [
        (["+0", "+1", "+2"], 0, false),
        (["+0", "+1", "+12"], 1280, false),
        (["+0", "+5", "+1"], 512, true),
        (["+9", "+5", "+1"], 0, true),
        (["+0", "+1", "+1000000000"], 0, true),
    ] {
        fs::write(file.path(), edf(onsets)).unwrap();
        let recording = Recording::read(file.path(), |_| ()).unwrap();
        assert_eq!(recording.eeg.track.missing(), missing, "{onsets:?} {:?}", recording.notes);
        assert_eq!(counts(&recording).contains("Steps of the clock"), steps, "{onsets:?}");
        for index in 0..800 {
            let [before, after] = [index, index + 1].map(|it| recording.time(Stream::Eeg, it));
            let step = after - before - 1.0 / 128.0;
            assert!(step.abs() < 1e-6 || missing > 0 && step > 1.0, "{onsets:?} {index} {step}");
            let value = f64::from(u32::try_from(index % 384).unwrap());
            assert_eq!(eeg(&recording, index)[2..], [value]);
        }
    }
}

#[test]
fn most_samples_may_be_lost() {
    let of = |row: u32| row / 3 * 9 + [0, 1, 4][row as usize % 3];
    let stamp = |row, _| plain(row, START + f64::from(of(row)) / 128.0);
    let named = "title:x, headset type:INSIGHT, sampling rate:eeg_128\n";
    let text = format!("{named}{}", table(128, stamp, |row| counted(of(row))));
    let recording = read(&text).unwrap();
    assert_eq!(recording.spec.eeg_rate, 128);
    assert_eq!(recording.eeg.track.missing(), u64::from(of(383)) + 1 - 384);
}

#[test]
fn rows_that_changed_places_are_put_in_order() {
    let own = table(128, plain, counted);
    let mut rows: Vec<_> = own.lines().collect();
    for row in [20, 127, 200] {
        rows.swap(row, row + 1);
    }
    let recording = read(&(rows.join("\n") + "\n")).unwrap();
    is_even(&recording, 128, "changed places");
    let said = "Rows that come after the next one, put before it: 3.";
    assert!(counts(&recording).contains(said), "{}", counts(&recording));
}

#[test]
fn what_is_no_time_and_no_counter_is_not_taken_for_one() {
    let numbers = |row, _| u32::to_string(&row);
    let named = "title:x, headset type:INSIGHT, sampling rate:eeg_128\n";
    for text in [table(128, numbers, counted), format!("{named}{}", table(128, numbers, counted))] {
        let recording = read(&text).unwrap();
        is_even(&recording, 128, "numbers of rows");
        let said = "Its timestamps are unusable: 128 Hz is assumed.";
        assert!(recording.notes.iter().any(|note| note == said), "{:?}", recording.notes);
    }
    for step in [2, 7] {
        let text = table(128, plain, |row| (step * row % 128).to_string());
        is_even(&read(&text).unwrap(), 128, &format!("a counter that goes on by {step}"));
    }
}

#[test]
fn three_rows_that_changed_places_cost_no_round_of_the_counter() {
    let none = |_, _| String::new();
    for stamp in [plain as fn(u32, f64) -> String, none] {
        let own = table(128, stamp, counted);
        let mut rows: Vec<_> = own.lines().collect();
        for row in [20, 127, 200] {
            rows[row..row + 3].rotate_left(1);
            rows[row + 20..row + 23].rotate_right(1);
        }
        let recording = read(&(rows.join("\n") + "\n")).unwrap();
        is_even(&recording, 128, "rotated");
        let said = "Rows that come after the next one, put before it: 9.";
        assert!(counts(&recording).contains(said), "{}", counts(&recording));
    }
}

#[test]
fn a_block_that_stands_twice_is_sent_once() {
    let own = table(128, plain, counted);
    let lines: Vec<_> = own.lines().collect();
    let block = |from: usize, to: usize| lines[from..to].join("\n") + "\n";
    for (text, doubled) in [
        // The whole file twice, with and without its names, and three times.
        (format!("{own}{own}"), 384),
        (format!("{own}{}", block(1, 385)), 384),
        (format!("{own}{own}{own}"), 768),
        // A part of it in the middle, and two parts that overlap.
        (format!("{}{}", block(0, 200), block(101, 385)), 99),
        (format!("{}{}", block(0, 300), block(200, 385)), 100),
        (format!("{}{}{}", block(0, 300), block(50, 80), block(300, 385)), 30),
    ] {
        let recording = read(&text).unwrap();
        is_even(&recording, 128, "a block twice");
        let said = format!("Duplicate rows, the second dropped: {doubled}.");
        assert!(counts(&recording).contains(&said), "{}", counts(&recording));
    }
    // Two recordings that both start at 0 are not a repetition.
    let other = |row: u32| format!("{:.6},{},{}\n", f64::from(row) / 128.0, row % 128, 7 * row + 1);
    let first = |row: u32| format!("{:.6},{},{}\n", f64::from(row) / 128.0, row % 128, row);
    let both: String = (0..256).map(first).chain((0..256).map(other)).collect();
    let recording = read(&format!("Timestamp,COUNTER,AF3\n{both}")).unwrap();
    assert!(!counts(&recording).contains("twice"), "{}", counts(&recording));
    assert_eq!(eeg(&recording, 257)[2..], [8.0]);
}

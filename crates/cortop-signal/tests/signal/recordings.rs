//! Recordings through the decoder: one of our own with known content, and real ones, which are not
//! in the repository: `CORTOP_DATA` names the folder that contains them.

use std::{env, f64::consts::TAU, ops::Range, path::PathBuf};

use cortop_signal::{Filters, Orientation};

use crate::harness::{DecoderHarness, dots, message, view};

/// Made by `synthetic.py`, which describes its content.
const SYNTHETIC: &str = include_str!("../fixtures/synthetic-insight-16s.csv");

/// Reads a file in the folder of recordings.
fn read(file: &str) -> String {
    let folder = env::var_os("CORTOP_DATA").expect("CORTOP_DATA names the folder of recordings");
    std::fs::read_to_string(PathBuf::from(folder).join(file)).unwrap()
}

/// The rows of a recording after `skip` lines, as numbers.
fn rows(text: &str, skip: usize) -> Vec<Vec<f64>> {
    let number = |cell: &str| cell.trim().parse().unwrap_or(f64::NAN);
    text.lines().skip(skip).map(|line| line.split(',').map(number).collect()).collect()
}

const INSIGHT: [&str; 5] = ["AF3", "T7", "Pz", "T8", "AF4"];
const EPOC: [&str; 14] =
    ["AF3", "F7", "F3", "FC5", "T7", "P7", "O1", "O2", "P8", "T8", "FC6", "F4", "F8", "AF4"];

/// A section of a recording without glitches, at 128 Hz.
pub(crate) struct Calm {
    pub(crate) file: &'static str,
    /// The samples by channel, in µV.
    pub(crate) channels: Vec<Vec<f64>>,
}

impl Calm {
    /// The first samples of some columns.
    fn of(file: &'static str, rows: &[Vec<f64>], channels: Range<usize>, count: usize) -> Self {
        let channel = |at: usize| rows.iter().take(count).map(|row| row[at]).collect();
        Self { file, channels: channels.map(channel).collect() }
    }

    /// The second half of the synthetic recording.
    pub(crate) fn synthetic() -> Self {
        Self::of("synthetic", &rows(SYNTHETIC, 1)[1024..], 1..6, 1024)
    }

    /// A section of each real recording.
    pub(crate) fn real() -> Vec<Self> {
        // The first glitch of the last one follows immediately.
        let count = 7 * 128;
        [
            ("insight-eyes-closed-40s.csv", 1, 1..6),
            ("insight-eyes-open-40s.csv", 1, 1..6),
            ("epocplus-emotivpro-worn-16s.csv", 2, 3..17),
            ("epoc-eye-state-117s.csv", 1, 0..14),
        ]
        .into_iter()
        .map(|(file, skip, channels)| Self::of(file, &rows(&read(file), skip), channels, count))
        .collect()
    }
}

/// Power of Pz in 8–13 Hz, in µV²: of the columns as drawn, at one sample per column.
fn alpha(rows: &[Vec<f64>]) -> f64 {
    let shape = view(rows.len() as f64 / 128.0, rows.len(), Filters::default());
    let mut rig = DecoderHarness::new(&INSIGHT, 128.0, shape);
    for row in rows {
        rig.send(&row[1..6]);
    }
    assert_eq!((rig.health().lost, rig.health().malformed), (0, 0));
    let columns = &rig.traces().channels[2].columns;
    assert_eq!(columns.len(), rows.len());
    let seconds: Vec<_> = columns.chunks_exact(256).collect();
    let power: f64 =
        seconds.iter().map(|seconds| band(seconds.iter().map(|c| c.last.into()))).sum();
    power / seconds.len() as f64
}

/// Power in 8–13 Hz of two seconds at 128 Hz under a Hann window.
fn band(samples: impl Iterator<Item = f64>) -> f64 {
    let samples: Vec<f64> = samples
        .enumerate()
        .map(|(i, x)| x * (0.5 - 0.5 * (TAU * i as f64 / 256.0).cos()))
        .collect();
    let line = |bin: u32| {
        let turn = TAU * f64::from(bin) / 256.0;
        let parts = samples.iter().enumerate().fold((0.0, 0.0), |(re, im), (i, x)| {
            (re + x * (turn * i as f64).cos(), im + x * (turn * i as f64).sin())
        });
        // One-sided, and corrected for the window's power (3/8).
        2.0 * (parts.0 * parts.0 + parts.1 * parts.1) / (256.0 * 256.0 * 0.375)
    };
    (16..=26).map(line).sum()
}

#[test]
fn a_rhythm_of_known_power_is_drawn_with_it() {
    let rows = rows(SYNTHETIC, 1);
    let (open, closed) = rows.split_at(1024);
    let (open, closed) = (alpha(open), alpha(closed));
    // The noise adds 6²/3 µV² times the share of its band.
    assert!((17.0..20.0).contains(&open), "{open} µV²");
    assert!((280.0..295.0).contains(&closed), "{closed} µV²");
}

#[test]
#[ignore = "needs real recordings: CORTOP_DATA names their folder"]
fn closed_eyes_show_three_times_the_alpha_of_open_eyes() {
    let closed = alpha(&rows(&read("insight-eyes-closed-40s.csv"), 1));
    let open = alpha(&rows(&read("insight-eyes-open-40s.csv"), 1));
    println!("Pz, 8–13 Hz: closed {closed:.0} µV², open {open:.0} µV²");
    assert!(closed > 3.0 * open, "closed {closed} µV², open {open} µV²");
}

#[test]
fn a_glitch_is_drawn_and_does_not_change_the_scale() {
    let rows: Vec<_> = rows(SYNTHETIC, 1).iter().map(|row| row[1..].to_vec()).collect();
    draws_glitches(&INSIGHT, &rows, &[384]);
}

#[test]
#[ignore = "needs real recordings: CORTOP_DATA names their folder"]
fn real_glitches_are_drawn_and_do_not_change_the_scale() {
    let rows = rows(&read("epoc-eye-state-117s.csv"), 1);
    draws_glitches(&EPOC, &rows, &[898, 10_386, 11_509, 13_179]);
}

/// `glitches`: the samples at which some channels jump.
fn draws_glitches(sensors: &[&str], rows: &[Vec<f64>], glitches: &[usize]) {
    let mut rig = DecoderHarness::new(sensors, 128.0, view(10.0, 160, Filters::default()));
    let mut spreads: Vec<f32> = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        rig.send(&row[..sensors.len()]);
        if glitches.contains(&(index + 1)) {
            spreads = rig.traces().channels.iter().map(|trace| trace.spread).collect();
        }
        let since = glitches.iter().filter_map(|&at| index.checked_sub(at)).min();
        let Some(since) = since else { continue };
        if since == 3 {
            // At least one of the channels that glitched is beyond any scale: at the edge, and
            // marked.
            let traces = rig.traces();
            let beyond = traces.channels.iter().filter(|trace| {
                dots(&trace.columns, 1000.0, 16).iter().rev().take(2).flatten().any(|run| {
                    (run.clipped_top && run.top == 0) || (run.clipped_bottom && run.bottom == 14)
                })
            });
            assert!(beyond.count() > 0, "the glitch before row {index} is not drawn");
        }
        if since == 1280 {
            for (trace, before) in rig.traces().channels.iter().zip(&spreads) {
                let ratio = trace.spread / before;
                assert!(
                    (0.4..2.5).contains(&ratio),
                    "{} after {index}: {before} → {}",
                    trace.label,
                    trace.spread
                );
                assert!(trace.spread < 200.0, "{}: {}", trace.label, trace.spread);
            }
        }
    }
    assert_eq!((rig.health().lost, rig.health().received), (0, rows.len() as u64));
}

#[test]
#[ignore = "needs real recordings: CORTOP_DATA names their folder"]
fn a_healthy_headset_at_127_hz_loses_nothing_and_raises_no_alarm() {
    let rows = rows(&read("epocplus-emotivpro-worn-16s.csv"), 2);
    let mut rig = DecoderHarness::new(&EPOC, 128.0, view(10.0, 160, Filters::default()));
    for row in &rows {
        // Timestamp, then (according to the file's header) Counter, Interpolated and the channels.
        let text = message(row[1] as u64, &row[3..17], row[0]);
        rig.text(text);
        rig.next += 1;
    }
    let health = rig.health();
    println!("{:?} Hz, {} samples", health.rate, health.received);
    assert_eq!((health.received, health.lost, health.malformed), (rows.len() as u64, 0, 0));
    assert!((126.5..127.5).contains(&health.rate.unwrap()) && !health.rate_is_off());
    assert_eq!(health.interpolated, 0);
}

#[test]
fn no_channel_of_a_quiet_signal_is_bad() {
    has_no_bad_channel(&[Calm::synthetic()]);
}

#[test]
#[ignore = "needs real recordings: CORTOP_DATA names their folder"]
fn no_channel_of_a_worn_headset_is_bad() {
    has_no_bad_channel(&Calm::real());
}

fn has_no_bad_channel(recordings: &[Calm]) {
    for Calm { file, channels } in recordings {
        let sensors = if channels.len() == INSIGHT.len() { &INSIGHT[..] } else { &EPOC };
        let mut rig = DecoderHarness::new(sensors, 128.0, view(10.0, 160, Filters::default()));
        for at in 0..channels[0].len() {
            rig.send(&channels.iter().map(|channel| channel[at]).collect::<Vec<_>>());
            assert!(rig.health().bad_channels.is_empty(), "{file}, sample {at}");
        }
    }
}

#[test]
#[ignore = "needs real recordings: CORTOP_DATA names their folder"]
fn the_motion_of_an_older_epocplus_is_recognised_as_raw_counts() {
    let text = read("epocplus-emotivpro-worn-16s.csv");
    let rows = rows(&text, 1);
    let names: Vec<&str> = text.lines().nth(1).unwrap().split(',').collect();
    let of = |name: &str| names.iter().position(|own| own.trim() == name).unwrap();
    let axes = ["AccX", "AccY", "AccZ"].map(|name| of(&format!("MOT.{name}")));
    let mut count = 0;
    for row in rows.iter().skip(1).filter(|row| row[axes[0]].is_finite()) {
        let [x, y, z] = axes.map(|at| Some(row[at]));
        let values = [("ACCX", x), ("ACCY", y), ("ACCZ", z)];
        assert_eq!(Orientation::of(&values), Some(Orientation::RawCounts));
        count += 1;
    }
    assert_eq!(count, 1012);
}

//! Real recordings through the decoder, if `CORTOP_DATA` names the folder that holds them.

use std::{env, f64::consts::TAU, ops::Range, path::PathBuf};

use cortop_signal::{Filters, Orientation};

use crate::rig::{Rig, dots, message, view};

/// The rows of a recording after `skip` lines, as numbers; `None` if there are no recordings here.
fn rows(file: &str, skip: usize) -> Option<Vec<Vec<f64>>> {
    let Some(folder) = env::var_os("CORTOP_DATA").map(PathBuf::from) else {
        println!("skipped: CORTOP_DATA does not name the folder of recordings");
        return None;
    };
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    let number = |cell: &str| cell.trim().parse().unwrap_or(f64::NAN);
    Some(text.lines().skip(skip).map(|line| line.split(',').map(number).collect()).collect())
}

const INSIGHT: [&str; 5] = ["AF3", "T7", "Pz", "T8", "AF4"];
const EPOC: [&str; 14] =
    ["AF3", "F7", "F3", "FC5", "T7", "P7", "O1", "O2", "P8", "T8", "FC6", "F4", "F8", "AF4"];

/// A stretch of a recording without glitches, at 128 Hz.
pub(crate) struct Calm {
    pub(crate) file: &'static str,
    /// The samples by channel, in µV.
    pub(crate) channels: Vec<Vec<f64>>,
}

/// One of each recording, if there are any.
pub(crate) fn calm() -> Option<Vec<Calm>> {
    let files = [
        ("insight-eyes-closed-40s.csv", 1, 1..6),
        ("insight-eyes-open-40s.csv", 1, 1..6),
        ("epocplus-emotivpro-worn-16s.csv", 2, 3..17),
        ("epoc-eye-state-117s.csv", 1, 0..14),
    ];
    // The first glitch of the last one comes right after.
    let most = 7 * 128;
    let calm = |(file, skip, channels): (&'static str, usize, Range<usize>)| {
        let rows = rows(file, skip)?;
        let channel = |at: usize| rows.iter().take(most).map(|row| row[at]).collect();
        Some(Calm { file, channels: channels.map(channel).collect() })
    };
    files.into_iter().map(calm).collect()
}

/// Power of Pz in 8–13 Hz, in µV²: of the columns as drawn, at one sample a column.
fn alpha(file: &str) -> Option<f64> {
    let rows = rows(file, 1)?;
    let shape = view(rows.len() as f64 / 128.0, rows.len(), Filters::default());
    let mut rig = Rig::new(&INSIGHT, 128.0, shape);
    for row in &rows {
        rig.send(&row[1..6]);
    }
    assert_eq!((rig.health().lost, rig.health().malformed), (0, 0));
    let columns = &rig.traces().channels[2].columns;
    assert_eq!(columns.len(), rows.len());
    let seconds: Vec<_> = columns.chunks_exact(256).collect();
    let power: f64 =
        seconds.iter().map(|seconds| band(seconds.iter().map(|c| c.last.into()))).sum();
    Some(power / seconds.len() as f64)
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
        // One-sided, and the window's power (3/8) taken out.
        2.0 * (parts.0 * parts.0 + parts.1 * parts.1) / (256.0 * 256.0 * 0.375)
    };
    (16..=26).map(line).sum()
}

#[test]
fn closed_eyes_show_three_times_the_alpha_of_open_eyes() {
    let Some(closed) = alpha("insight-eyes-closed-40s.csv") else { return };
    let Some(open) = alpha("insight-eyes-open-40s.csv") else { return };
    println!("Pz, 8–13 Hz: closed {closed:.0} µV², open {open:.0} µV²");
    assert!(closed > 3.0 * open, "closed {closed} µV², open {open} µV²");
}

#[test]
fn glitches_are_drawn_and_do_not_change_the_scale() {
    let Some(rows) = rows("epoc-eye-state-117s.csv", 1) else { return };
    let mut rig = Rig::new(&EPOC, 128.0, view(10.0, 160, Filters::default()));
    let glitches = [898, 10_386, 11_509, 13_179];
    let mut spreads: Vec<f32> = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        rig.send(&row[..14]);
        if glitches.contains(&(index + 1)) {
            spreads = rig.traces().channels.iter().map(|trace| trace.spread).collect();
        }
        let since = glitches.iter().filter_map(|&at| index.checked_sub(at)).min();
        let Some(since) = since else { continue };
        if since == 3 {
            // Of all channels that glitched, one is beyond any scale, at the edge and marked.
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
fn a_healthy_headset_at_127_hz_loses_nothing_and_raises_no_alarm() {
    let Some(rows) = rows("epocplus-emotivpro-worn-16s.csv", 2) else { return };
    let mut rig = Rig::new(&EPOC, 128.0, view(10.0, 160, Filters::default()));
    for row in &rows {
        // Timestamp, then (by the file's header) Counter, Interpolated and the channels.
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
fn no_channel_of_a_worn_headset_is_bad() {
    for Calm { file, channels } in calm().into_iter().flatten() {
        let sensors = if channels.len() == INSIGHT.len() { &INSIGHT[..] } else { &EPOC };
        let mut rig = Rig::new(sensors, 128.0, view(10.0, 160, Filters::default()));
        for at in 0..channels[0].len() {
            rig.send(&channels.iter().map(|channel| channel[at]).collect::<Vec<_>>());
            assert!(rig.health().bad_channels.is_empty(), "{file}, sample {at}");
        }
    }
}

#[test]
fn the_motion_of_an_older_epocplus_is_recognised_as_raw_counts() {
    let Some(rows) = rows("epocplus-emotivpro-worn-16s.csv", 1) else { return };
    let folder = env::var_os("CORTOP_DATA").map(PathBuf::from).unwrap();
    let text = std::fs::read_to_string(folder.join("epocplus-emotivpro-worn-16s.csv")).unwrap();
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

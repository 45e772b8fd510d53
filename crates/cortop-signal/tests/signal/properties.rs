//! The thirteen properties of the envelope and its dots (docs/signal.md, "Downsampling"), checked
//! on the decoder's output for messages.

use std::{collections::BTreeMap, f32::consts::TAU, slice};

use cortop_signal::{
    Filters, View,
    snapshot::{Bin, Binning},
    view::ViewEnd,
};
use proptest::prelude::*;

use crate::harness::{DecoderHarness, bits, dots, view};

const ROWS: u16 = 16;
const HALF: f32 = 50.0;

/// What happens to one sample of the headset.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Arrives(f64),
    Null,
    Lost(u64),
    Repeated,
    Late,
}

/// EEG-like values at the resolution of a headset, and everything that can go wrong.
fn fates(most: usize) -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        40 => (-1500..1500_i32).prop_map(|sixteenths| Fate::Arrives(f64::from(sixteenths) / 16.0)),
        2 => Just(Fate::Arrives(1e5)),
        2 => Just(Fate::Null),
        3 => (1..40_u64).prop_map(Fate::Lost),
        1 => (120..700_u64).prop_map(Fate::Lost),
        2 => Just(Fate::Repeated),
        2 => Just(Fate::Late),
    ];
    prop::collection::vec(fate, 1..most)
}

/// Window in seconds and number of columns, including more columns than samples.
fn shapes() -> impl Strategy<Value = (f64, usize)> {
    ((1..400_u32).prop_map(|tenths| f64::from(tenths) / 100.0), 1..300_usize)
}

fn filters() -> impl Strategy<Value = Filters> {
    prop_oneof![
        Just(Filters::NONE),
        Just(Filters::default()),
        Just(Filters { high_pass: None, low_pass: Some(30.0), notch: Some(50.0) }),
    ]
}

/// Sends a sample again, `back` before the newest.
fn again(rig: &mut DecoderHarness, back: u64) {
    if let Some(index) = rig.newest.and_then(|newest| newest.checked_sub(back)) {
        rig.resend(index, &[9999.0]);
    }
}

fn play(rig: &mut DecoderHarness, fates: &[Fate]) {
    for fate in fates {
        match *fate {
            Fate::Arrives(value) => rig.send(&[value]),
            Fate::Null => rig.send(&[f64::NAN]),
            Fate::Lost(count) => rig.lose(count),
            Fate::Repeated => again(rig, 0),
            Fate::Late => again(rig, 30),
        }
    }
}

/// The values that arrived, by absolute index, after an initial 0.
fn arrived(fates: &[Fate]) -> BTreeMap<u64, f32> {
    let (mut next, mut arrived) = (1, BTreeMap::from([(0, 0.0)]));
    for fate in fates {
        match *fate {
            Fate::Arrives(value) => {
                arrived.insert(next, value as f32);
                next += 1;
            }
            Fate::Null => next += 1,
            Fate::Lost(count) => next += count,
            Fate::Repeated | Fate::Late => {}
        }
    }
    arrived
}

/// The columns by bin.
fn by_bin(rig: &DecoderHarness) -> BTreeMap<u64, Bin> {
    let traces = rig.traces();
    (traces.first_bin..).zip(traces.channels[0].columns.iter().copied()).collect()
}

/// The rows of a value, or of a column without its join: what it lights on its own.
fn rows_of(column: &Bin) -> (u16, u16) {
    let run = dots(slice::from_ref(column), HALF, ROWS)[0].unwrap();
    (run.top, run.bottom)
}

fn column_of(value: f32) -> Bin {
    Bin { min: value, max: value, first: value, last: value, count: 1, gap: false }
}

/// What happens while the view is frozen.
#[derive(Clone, Copy, Debug)]
enum StillEvent {
    Samples(u32),
    Lost(u64),
    Reconnect(u64),
    /// The view changes: its end, relative to the newest sample.
    Look {
        back: u64,
        window: f64,
        cursor: u64,
        columns: usize,
    },
}

fn turns() -> impl Strategy<Value = Vec<StillEvent>> {
    let look = (0..6000_u64, 1..60_u32, 0..6000_u64, 1..200_usize).prop_map(
        |(back, tenths, cursor, columns)| StillEvent::Look {
            back,
            window: f64::from(tenths) / 10.0,
            cursor,
            columns,
        },
    );
    let turn = prop_oneof![
        3 => (1..900_u32).prop_map(StillEvent::Samples),
        1 => (1..3000_u64).prop_map(StillEvent::Lost),
        1 => (1..5000_u64).prop_map(StillEvent::Reconnect),
        4 => look,
    ];
    prop::collection::vec(turn, 1..20)
}

proptest! {
    /// With almost no room for a history, whatever the view: no panic, and under each index the
    /// original sample or nothing.
    #[test]
    fn what_is_forgotten_is_nothing_and_never_another_sample(
        turns in turns(), filters in filters(), bytes in 0..30_000_usize
    ) {
        let mut rig = DecoderHarness::within(bytes, &["Pz"], 128.0, view(2.0, 64, filters));
        rig.send(&[0.0]);
        for turn in turns {
            match turn {
                StillEvent::Samples(count) => {
                    (0..count).for_each(|_| rig.send(&[rig.next as f64]));
                }
                StillEvent::Lost(count) => rig.lose(count),
                StillEvent::Reconnect(samples) => rig.reconnect(samples),
                StillEvent::Look { back, window, cursor, columns } => {
                    let newest = rig.traces().newest;
                    let end = newest.saturating_sub(back);
                    let cursors = [Some(cursor), Some(end.saturating_sub(cursor))];
                    let (end, spectra) = (ViewEnd::At(end), columns % 2 == 0);
                    rig.decoder.set_view(View { end, cursors, spectra: spectra.then_some(70.0), ..view(window, columns, filters) });
                }
            }
            let traces = rig.traces();
            let channel = &traces.channels[0];
            for (bin, column) in (traces.first_bin..).zip(&channel.columns) {
                let indices = traces.bins.start(bin)..traces.bins.start(bin + 1);
                prop_assert!(u64::from(column.count) <= indices.end - indices.start);
                if filters == Filters::NONE && column.count > 0 {
                    let own = |value: f32| indices.contains(&(value as u64));
                    prop_assert!(own(column.min) && own(column.max), "{indices:?} {column:?}");
                }
            }
            for (cursor, value) in traces.cursors.iter().zip(channel.at) {
                if let Some(cursor) = cursor.filter(|_| filters == Filters::NONE && value.is_finite()) {
                    prop_assert_eq!(value as u64, cursor.index);
                }
            }
        }
    }

    #[test]
    fn p1_cover_and_p2_no_invention(fates in fates(400), (window, columns) in shapes()) {
        let mut rig = DecoderHarness::one(view(window, columns, Filters::NONE));
        rig.send(&[0.0]);
        play(&mut rig, &fates);
        let columns = rig.columns();
        let mut before: Option<&Bin> = None;
        for (column, run) in columns.iter().zip(dots(&columns, HALF, ROWS)) {
            if column.count == 0 {
                before = None;
                continue;
            }
            let run = run.unwrap();
            let (high, low) = (rows_of(&column_of(column.max)).0, rows_of(&column_of(column.min)).1);
            prop_assert!(run.top <= high && low <= run.bottom);
            for row in (run.top..=run.bottom).filter(|row| !(high..=low).contains(row)) {
                // A join: strictly between this column's samples and those of the previous one, or
                // of the line that leads here.
                prop_assert!(!column.gap);
                if let Some(before) = before {
                    let (above, below) = rows_of(before);
                    prop_assert!((row > below && row < high) || (row < above && row > low));
                }
            }
            prop_assert!(run.top <= run.peak && run.peak <= run.bottom);
            before = Some(column);
        }
    }

    #[test]
    fn p3_a_spike_lights_the_top_row_of_exactly_one_column(
        at in 0..500_u64, window in 50..400_u32, share in 0.02..1.0_f64,
    ) {
        let samples = f64::from(window);
        let columns = ((samples * share) as usize).max(2);
        let mut rig = DecoderHarness::one(view(samples / 128.0, columns, Filters::NONE));
        for index in 0..=at + 20 {
            rig.send(&[if index == at { 300.0 } else { 0.0 }]);
        }
        let columns = rig.columns();
        let top = dots(&columns, HALF, ROWS).iter().flatten().filter(|run| run.top == 0).count();
        let seen = columns.iter().filter(|column| column.max > 0.0).count();
        prop_assert_eq!(top, seen);
        prop_assert!(seen == 1 || rig.traces().first_bin > rig.traces().bins.of(at));
    }

    #[test]
    fn p4_bins_hold_every_sample_once(fates in fates(400), (window, columns) in shapes()) {
        let mut rig = DecoderHarness::one(view(window, columns, Filters::NONE));
        rig.send(&[0.0]);
        play(&mut rig, &fates);
        let arrived = arrived(&fates);
        let Binning { samples, columns } = rig.traces().bins;
        prop_assert_eq!(samples, ((window * 128.0).round() as u64).max(1));
        for (bin, column) in by_bin(&rig) {
            let start = (bin * samples).div_ceil(columns);
            let end = ((bin + 1) * samples).div_ceil(columns);
            let own: Vec<f32> = arrived.range(start..end).map(|(_, &value)| value).collect();
            let expected = Bin {
                min: own.iter().copied().fold(f32::NAN, f32::min),
                max: own.iter().copied().fold(f32::NAN, f32::max),
                first: own.first().copied().unwrap_or(f32::NAN),
                last: own.last().copied().unwrap_or(f32::NAN),
                count: own.len() as u32,
                gap: column.gap,
            };
            prop_assert_eq!(bits(&[column]), bits(&[expected]), "bin {}", bin);
        }
    }

    #[test]
    fn p5_closed_columns_never_change_and_p11_stamps_move_none(
        before in fates(300), after in fates(300), (window, columns) in shapes(), filters in filters(),
    ) {
        let mut rig = DecoderHarness::one(view(window, columns, filters));
        rig.send(&[0.0]);
        play(&mut rig, &before);
        let early = by_bin(&rig);
        play(&mut rig, &after);
        let late = by_bin(&rig);
        // The last one still grew, and lines are drawn when the sample at their end has arrived.
        let closed: Vec<u64> = early.iter().filter(|(_, c)| c.count > 0).map(|(&bin, _)| bin).collect();
        let Some((&open, _)) = early.last_key_value() else { return Ok(()) };
        let closed = closed.last().map_or(0, |&bin| bin.min(open));
        let common = |side: &BTreeMap<u64, Bin>| -> Vec<Bin> {
            let first = *late.keys().next().unwrap();
            side.iter().filter(|(bin, _)| (first..closed).contains(bin)).map(|(_, &c)| c).collect()
        };
        let (early, late) = (common(&early), common(&late));
        prop_assert_eq!(bits(&early), bits(&late));
        let ahead = early.iter().rposition(|column| column.count > 0).unwrap_or(0);
        prop_assert_eq!(&dots(&early, HALF, ROWS)[..ahead], &dots(&late, HALF, ROWS)[..ahead]);
    }

    #[test]
    fn p6_the_picture_is_the_same_however_it_came_about(
        fates in fates(500), (window, columns) in shapes(), filters in filters(), cut in 0..500_usize,
    ) {
        let shape = view(window, columns, filters);
        let mut streamed = DecoderHarness::one(shape.clone());
        let mut looked_at = DecoderHarness::one(shape.clone());
        let mut rebuilt = DecoderHarness::one(view(3.0, 77, Filters::default()));
        for rig in [&mut streamed, &mut looked_at, &mut rebuilt] {
            rig.send(&[4200.0]);
        }
        play(&mut streamed, &fates);
        for fate in &fates {
            play(&mut looked_at, slice::from_ref(fate));
            looked_at.traces();
        }
        let (first, second) = fates.split_at(cut.min(fates.len()));
        play(&mut rebuilt, first);
        rebuilt.decoder.set_view(shape);
        play(&mut rebuilt, second);
        let expected = streamed.traces();
        for other in [&looked_at, &rebuilt] {
            let traces = other.traces();
            let ends = (traces.first_bin + traces.channels[0].columns.len() as u64, traces.end);
            let streamed = &expected.channels[0].columns;
            prop_assert_eq!(ends, (expected.first_bin + streamed.len() as u64, expected.end));
            let own = &traces.channels[0].columns;
            let both = own.len().min(streamed.len());
            prop_assert_eq!(
                bits(&own[own.len() - both..]), bits(&streamed[streamed.len() - both..])
            );
        }
    }

    #[test]
    fn p8_a_constant_lights_one_row(
        level in -60.0..60.0_f64, noise in -1e-3..1e-3_f64, rows in 2..40_u16, columns in 1..200_usize,
    ) {
        let mut rig = DecoderHarness::one(view(1.0, columns, Filters::NONE));
        (0..128).for_each(|_| rig.send(&[level]));
        let lit = dots(&rig.columns(), HALF, rows);
        let first = lit[0].unwrap();
        prop_assert!(lit.iter().flatten().all(|run| run.top == run.bottom && run.top == first.top));

        let mut rig = DecoderHarness::one(view(1.0, columns, Filters::NONE));
        (0..128).for_each(|i| rig.send(&[if i % 2 == 0 { noise } else { 0.0 }]));
        let lit = dots(&rig.columns(), HALF, rows);
        // As many rows above as below; with an even number, the lowest stays dark.
        let middle = (rows - 1) / 2;
        prop_assert!(lit.iter().flatten().all(|run| (run.top, run.bottom) == (middle, middle)));
    }

    #[test]
    fn p8_what_is_below_zero_mirrors_what_is_above(
        samples in prop::collection::vec((-30..30_i8, -0.4..0.4_f32), 1..300), rows in 1..40_u16,
    ) {
        let last = (rows - 1) / 2 * 2;
        let height = 2.0 * HALF / f32::from(last + 1);
        // A number of rows from the middle and a little more, because a value between two rows
        // rounds either way.
        let value = |&(rows, little): &(i8, f32)| height * (f32::from(rows) + little);
        let of = |sign: f32| {
            let columns: Vec<_> = samples.iter().map(|at| column_of(sign * value(at))).collect();
            dots(&columns, HALF, rows)
        };
        for (up, down) in of(1.0).into_iter().flatten().zip(of(-1.0).into_iter().flatten()) {
            prop_assert_eq!((up.top, up.bottom), (last - down.bottom, last - down.top));
            prop_assert_eq!(up.clipped_top, down.clipped_bottom);
        }
    }

    #[test]
    fn p10_gaps_are_empty_and_short_losses_ticked(fates in fates(400), (window, columns) in shapes()) {
        let mut rig = DecoderHarness::one(view(window, columns, Filters::NONE));
        rig.send(&[0.0]);
        play(&mut rig, &fates);
        let columns = by_bin(&rig);
        let columns: Vec<Bin> = columns.into_values().collect();
        let Binning { samples, columns: per_window } = rig.traces().bins;
        for (at, run) in dots(&columns, HALF, ROWS).into_iter().enumerate() {
            let column = columns[at];
            if samples >= per_window {
                prop_assert_eq!(run.is_some(), column.count > 0);
            } else if column.gap && column.count == 0 {
                prop_assert_eq!(run, None);
            }
            let Some(run) = run.filter(|_| column.gap) else { continue };
            // No line across the loss, and a tick unless the hole shows.
            prop_assert_eq!((run.top, run.bottom), rows_of(&column));
            let hole = at == 0 || columns[at - 1].count == 0;
            prop_assert!(run.tick != hole || samples < per_window);
        }
    }

    #[test]
    fn p12_what_is_no_number_lights_nothing_and_spoils_nothing(
        fates in fates(300), filters in filters(), (window, columns) in shapes(),
    ) {
        // Two channels, one of which has all the gaps; the other must look as if it were alone.
        let mut both = DecoderHarness::new(&["Pz", "T7"], 128.0, view(window, columns, filters));
        let mut alone = DecoderHarness::one(view(window, columns, filters));
        for (i, fate) in (0..).zip(&fates) {
            let good = f64::from((i * 37) % 101) - 50.0;
            let bad = match *fate {
                Fate::Arrives(value) => value,
                _ => f64::NAN,
            };
            both.send(&[good, bad]);
            alone.send(&[good]);
        }
        let traces = both.traces();
        prop_assert_eq!(bits(&traces.channels[0].columns), bits(&alone.columns()));
        for column in &traces.channels[1].columns {
            prop_assert_eq!(column.count > 0, column.min.is_finite() && column.max.is_finite());
        }
    }

    #[test]
    fn p13_an_offset_changes_no_dot(fates in fates(400), (window, columns) in shapes()) {
        let shape = view(window, columns, Filters::default());
        let offset: Vec<Fate> = fates
            .iter()
            .map(|fate| match *fate {
                Fate::Arrives(value) => Fate::Arrives(value + 4200.0),
                other => other,
            })
            .collect();
        let (mut without, mut with) = (DecoderHarness::one(shape.clone()), DecoderHarness::one(shape));
        without.send(&[0.0]);
        with.send(&[4200.0]);
        play(&mut without, &fates);
        play(&mut with, &offset);
        prop_assert_eq!(dots(&without.columns(), HALF, ROWS), dots(&with.columns(), HALF, ROWS));
    }
}

#[test]
fn p7_mains_draws_a_band_and_no_slow_wave() {
    let mut rig = DecoderHarness::new(&["Pz"], 256.0, view(10.0, 200, Filters::NONE));
    for i in 0..4000_u16 {
        rig.send(&[(40.0 * (TAU * 60.0 * f32::from(i) / 256.0).sin()).into()]);
    }
    let columns = rig.columns();
    let lit = dots(&columns, HALF, ROWS);
    let (high, low) = (rows_of(&column_of(36.0)).0, rows_of(&column_of(-36.0)).0);
    for run in &lit[..lit.len() - 1] {
        assert!(run.unwrap().top <= high && run.unwrap().bottom >= low);
    }
}

#[test]
fn p8_and_p9_full_scale_lights_both_rails_and_beyond_is_marked() {
    for (level, clipped) in [(50.0, false), (50.1, true), (1e30, true)] {
        let mut rig = DecoderHarness::one(view(1.0, 32, Filters::NONE));
        for i in 0..128 {
            // 1e30 is more than any sensor measures: it is missing, not drawn.
            rig.send(&[if i % 2 == 0 { level } else { -level }]);
        }
        for run in dots(&rig.columns(), HALF, ROWS) {
            let Some(run) = run else {
                assert!(level > 1e12);
                continue;
            };
            assert_eq!((run.top, run.bottom), (0, ROWS - 2));
            assert_eq!((run.clipped_top, run.clipped_bottom), (clipped, clipped));
        }
    }
}

#[test]
fn p8_as_far_up_as_down() {
    for rows in [8, 12, 15, 16] {
        let row = |value| rows_of_scale(value, rows);
        let (up, zero, down) = (row(45.0), row(0.0), row(-45.0));
        assert_eq!(zero - up, down - zero, "of {rows} rows");
        assert!(zero - up >= rows / 2 - 1);
    }
}

/// The row of a value on a scale of this many rows.
fn rows_of_scale(value: f32, rows: u16) -> u16 {
    dots(&[column_of(value)], HALF, rows)[0].unwrap().top
}

#[test]
fn zoomed_in_straight_lines_lead_from_sample_to_sample() {
    let mut rig = DecoderHarness::one(view(8.0 / 128.0, 64, Filters::NONE));
    for value in [0.0, 48.0, 0.0, -48.0, 0.0, 0.0] {
        rig.send(&[value]);
    }
    let columns = rig.columns();
    let lit: Vec<(u16, u16)> =
        dots(&columns, HALF, 100).iter().flatten().map(|run| (run.top, run.bottom)).collect();
    assert_eq!(lit.len(), columns.len(), "no hole in the line");
    for column in 0..=8 {
        let expected = 49 - 6 * column as u16;
        assert!((lit[column].0..=lit[column].1).contains(&expected), "column {column}: {lit:?}");
        assert!(lit[column].1 - lit[column].0 < 6, "column {column}: {lit:?}");
    }
    // A lost sample leaves a hole that no line crosses.
    rig.lose(1);
    rig.send(&[0.0]);
    let lit = dots(&rig.columns(), HALF, 100);
    assert!(lit.iter().rev().skip(1).take(15).all(Option::is_none), "{lit:?}");
}

#[test]
fn no_rows_and_no_columns_light_nothing() {
    assert!(dots(&[], HALF, ROWS).is_empty());
    assert_eq!(dots(&[column_of(1.0), Bin::EMPTY], HALF, 0), [None, None]);
    let flat = dots(&[column_of(7.0)], 0.0, ROWS)[0].unwrap();
    assert_eq!((flat.top, flat.bottom), (7, 7));
}

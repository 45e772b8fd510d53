//! Spectra, reference and the history of band power, checked on the decoder's output for messages.

use std::{f64::consts::TAU, sync::Arc};

use cortop_protocol::{Columns, Feed, Sample, Stream, Subscription, sample::Column as Label};
use cortop_signal::{Filters, View, montage::Montage, spectra::Spectra, view::ViewEnd};
use proptest::prelude::*;

use crate::harness::{DecoderHarness, bits, view};

/// The lower end of a scale in dB.
const FLOOR: f64 = -25.0;

/// A view with spectra.
fn spectral(window: f64, columns: usize) -> View {
    View { spectra: Some(70.0), ..view(window, columns, Filters::default()) }
}

fn sine(hz: f64, at: u64) -> f64 {
    4200.0 + 20.0 * (TAU * hz * at as f64 / 128.0).sin()
}

fn spectra(rig: &DecoderHarness) -> Spectra {
    rig.traces().spectra.unwrap()
}

/// Bit patterns of the powers by bin, so that NaN compare equal.
fn by_bin(spectra: &Spectra) -> Vec<(u64, Vec<u32>)> {
    let powers = spectra.columns.iter().map(|column| column.iter().map(|p| p.to_bits()).collect());
    (spectra.first_bin..).zip(powers).collect()
}

#[test]
fn alpha_is_the_peak_and_a_window_of_n_seconds_has_n_minus_one_segments() {
    let mut rig = DecoderHarness::one(spectral(10.0, 10));
    for at in 0..128 * 12 {
        assert_eq!(whole(&rig.traces()) > 0, at >= 256, "{at}");
        rig.send(&[sine(10.0, at)]);
    }
    let traces = rig.traces();
    let spectra = traces.spectra.unwrap();
    let welch = spectra.welch(0, traces.bins).unwrap();
    assert_eq!(welch.segments, 9);
    let (hz, power) = spectra.peak(&welch, FLOOR).unwrap();
    // Half the square of the amplitude, under a Hann window of 2 s: 2/3 of it in a line of 0.5 Hz.
    assert!((hz - 10.0).abs() < 1e-9 && (power / (200.0 / 0.75) - 1.0).abs() < 0.02, "{power}");
    let bands = spectra.bands(spectra.columns.len() - 1, 0).map(Option::unwrap);
    assert!(bands.iter().enumerate().all(|(at, &power)| at == 1 || power < bands[1] / 1000.0));
}

/// The peak that the default filters, or others, leave of a signal around 4200 µV at a rate.
fn peak_of(signal: impl Fn(f64) -> f64, filters: Filters, rate: f64) -> Option<(f64, f64)> {
    let shape = View { filters, ..spectral(10.0, 10) };
    let mut rig = DecoderHarness::new(&["Pz"], rate, shape);
    (0..(rate * 12.0) as u32).for_each(|at| rig.send(&[4200.0 + signal(f64::from(at) / rate)]));
    let traces = rig.traces();
    let spectra = traces.spectra.unwrap();
    spectra.peak(&spectra.welch(0, traces.bins).unwrap(), FLOOR)
}

#[test]
fn mains_is_the_peak_however_low_the_low_pass_unless_it_is_notched() {
    for rate in [128.0, 256.0] {
        for hz in [50.0, 60.0] {
            let hum = |t: f64| 20.0 * (TAU * hz * t).sin();
            for low_pass in [Some(30.0), Some(45.0), None] {
                let filters = Filters { low_pass, ..Filters::default() };
                let (at, power) = peak_of(hum, filters, rate).unwrap();
                assert!((at - hz).abs() < 1e-9, "{at} Hz of {hz} at {rate}");
                assert!((power / (200.0 / 0.75) - 1.0).abs() < 0.02, "{power} of {hz} at {rate}");
            }
            let notch = Filters { notch: Some(hz), ..Filters::default() };
            assert_eq!(peak_of(hum, notch, rate), None, "{hz} at {rate}");
        }
    }
}

#[test]
fn what_is_below_the_scale_or_rounding_is_no_peak() {
    for rate in [128.0, 256.0] {
        let peak = |signal: fn(f64) -> f64| peak_of(signal, Filters::default(), rate);
        assert_eq!(peak(|_| 0.0), None);
        assert_eq!(peak(|_| 0.1), None);
        // −36 dB, and −16 dB.
        assert_eq!(peak(|t| 0.02 * (TAU * 20.0 * t).sin()), None);
        assert_eq!(peak(|t| 0.2 * (TAU * 20.0 * t).sin()).map(|(hz, _)| hz), Some(20.0));
        // A peak that is farther above its surroundings does not win if part of those is not drawn.
        let both = |t: f64| 20.0 * (TAU * 10.0 * t).sin() + 0.2 * (TAU * 40.0 * t).sin();
        assert_eq!(peak(both).map(|(hz, _)| hz), Some(10.0));
    }
}

/// Noise of standard deviation 1, nearly normal: each value is the sum of twelve numbers of a
/// simple generator.
fn noise() -> impl FnMut() -> f64 {
    let mut state = 1_u64;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as f64 / f64::from(1_u32 << 31)
    };
    move || (0..12).map(|_| uniform()).sum::<f64>() - 6.0
}

/// How many spectra of noise name a peak, and out of how many: four channels over this many
/// windows, where `deviation` gives the standard deviation of each second in µV.
fn named_peaks(
    windows: u32,
    seconds: u32,
    noise: &mut impl FnMut() -> f64,
    deviation: impl Fn(u32) -> f64,
) -> (usize, usize) {
    let channels = ["Pz", "O1", "O2", "T7"];
    let shape = spectral(seconds.into(), seconds as usize);
    let mut rig = DecoderHarness::new(&channels, 256.0, shape);
    let (mut named, mut all) = (0, 0);
    for _ in 0..windows {
        for at in 0..256 * seconds {
            rig.send(&channels.map(|_| 4200.0 + deviation(at / 256) * noise()));
        }
        let traces = rig.traces();
        let spectra = traces.spectra.unwrap();
        for at in 0..channels.len() {
            let welch = spectra.welch(at, traces.bins).unwrap();
            all += 1;
            named += usize::from(spectra.peak(&welch, FLOOR).is_some());
        }
    }
    (named, all)
}

#[test]
fn noise_has_no_peak_and_alpha_in_it_has() {
    let mut noise = noise();
    for seconds in [5, 10, 30] {
        let (named, all) = named_peaks(150 / seconds, seconds, &mut noise, |_| 5.0);
        assert!(named * 50 <= all, "{named} of {all} in windows of {seconds} s");
    }
    let alpha = |t: f64| 10.0 * (TAU * 10.0 * t).sin();
    let mut rig = DecoderHarness::new(&["Pz"], 256.0, spectral(10.0, 10));
    (0..256 * 12_u32)
        .for_each(|at| rig.send(&[4200.0 + alpha(f64::from(at) / 256.0) + 5.0 * noise()]));
    let traces = rig.traces();
    let spectra = traces.spectra.unwrap();
    let peak = spectra.peak(&spectra.welch(0, traces.bins).unwrap(), FLOOR);
    assert_eq!(peak.map(|(hz, _)| hz), Some(10.0));
}

#[test]
fn noise_with_bursts_has_no_peak() {
    let mut noise = noise();
    for (seconds, burst) in [(10, 20.0), (10, 60.0), (30, 20.0), (30, 60.0)] {
        // Clenched teeth for one second of ten.
        let deviation = |second| if second % 10 == 5 { burst } else { 3.0 };
        let (named, all) = named_peaks(300 / seconds, seconds, &mut noise, deviation);
        assert!(named * 20 <= all, "{named} of {all} in windows of {seconds} s, {burst} µV");
    }
}

/// Number of segments that the spectrum averages.
fn whole(traces: &cortop_signal::Traces) -> usize {
    let spectra = traces.spectra.as_ref().unwrap();
    spectra.welch(0, traces.bins).map_or(0, |welch| welch.segments)
}

#[test]
fn segments_that_hold_a_gap_are_left_out() {
    let mut rig = DecoderHarness::one(spectral(10.0, 10));
    (0..128 * 12).for_each(|at| rig.send(&[sine(10.0, at)]));
    assert_eq!(whole(&rig.traces()), 9);
    rig.lose(1);
    (0..128).for_each(|at| rig.send(&[sine(10.0, at)]));
    assert_eq!(whole(&rig.traces()), 8, "one that holds it has closed");
    (0..64).for_each(|at| rig.send(&[sine(10.0, at)]));
    rig.send(&[f64::NAN]);
    (0..256).for_each(|at| rig.send(&[sine(10.0, at)]));
    assert_eq!(whole(&rig.traces()), 6);
    rig.lose(128 * 100);
    rig.send(&[0.0]);
    assert_eq!(whole(&rig.traces()), 0);
}

proptest! {
    // Each case computes hundreds of spectra, without optimisation.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn closed_columns_never_change_and_come_out_the_same_from_the_history(
        window in prop::sample::select(vec![2.0, 5.0, 10.0]), columns in 1..200_usize,
        fates in prop::collection::vec((0..40_u64, any::<bool>(), 1..200_u64), 1..8),
    ) {
        let shape = spectral(window, columns);
        let mut rig = DecoderHarness::one(shape.clone());
        rig.send(&[4200.0]);
        for (lost, null, count) in fates {
            let before = by_bin(&spectra(&rig));
            rig.lose(lost * lost);
            if null {
                rig.send(&[f64::NAN]);
            }
            for at in 0..count {
                rig.send(&[4200.0 + (at * at % 97) as f64]);
            }
            let after = spectra(&rig);
            prop_assert!(after.columns.len() <= columns);
            let after = by_bin(&after);
            for (bin, powers) in before {
                if let Some((_, now)) = after.iter().find(|(other, _)| *other == bin) {
                    prop_assert_eq!(&powers, now, "bin {}", bin);
                }
            }
        }
        // When rebuilt, the bins are the same; so are their powers, except for the priming of the
        // filters.
        let live = by_bin(&spectra(&rig));
        rig.decoder.set_view(View::default());
        rig.decoder.set_view(shape);
        let again = by_bin(&spectra(&rig));
        let known = |bin: u64| again.iter().find(|(other, _)| *other == bin);
        for (bin, powers) in &live {
            let Some((_, anew)) = known(*bin) else { continue };
            prop_assert_eq!(powers, anew, "bin {}", bin);
        }
    }
}

#[test]
fn a_frozen_spectrum_is_of_its_own_window() {
    let mut rig = DecoderHarness::one(spectral(5.0, 5));
    (0..128 * 30).for_each(|at| rig.send(&[sine(if at < 128 * 15 { 6.0 } else { 20.0 }, at)]));
    let peak = |rig: &DecoderHarness| {
        let traces = rig.traces();
        let spectra = traces.spectra.unwrap();
        spectra.peak(&spectra.welch(0, traces.bins).unwrap(), FLOOR).map(|(hz, _)| hz)
    };
    assert_eq!(peak(&rig), Some(20.0));
    rig.decoder.set_view(View { end: ViewEnd::At(128 * 12), ..spectral(5.0, 5) });
    assert_eq!(peak(&rig), Some(6.0));
    rig.send(&[0.0]);
    assert_eq!(peak(&rig), Some(6.0));
}

/// The contact of three sensors, sent as `dev` messages.
struct Contact(Arc<Subscription>);

impl Contact {
    fn new(rig: &mut DecoderHarness) -> Self {
        let names = ["AF3", "Pz", "AF4", "OVERALL"].map(str::to_owned).to_vec();
        let labels = ["Battery", "Signal"].map(|label| Label::One(label.to_owned()));
        let columns = labels.into_iter().chain([Label::Group(names)]).collect();
        let subscription = Arc::new(Subscription {
            stream: Stream::Dev,
            columns: Columns(columns),
            nominal_rate: Some(2.0),
            ..(*rig.subscription).clone()
        });
        rig.decoder.push(Feed::Subscribed(Arc::clone(&subscription)), rig.now());
        Self(subscription)
    }

    fn tell(&self, rig: &mut DecoderHarness, [a, b, c]: [u8; 3]) {
        let text = format!(r#"{{"dev":[4,1,[{a},{b},{c},80]],"sid":"s","time":1.7e9}}"#);
        let (subscription, received) = (Arc::clone(&self.0), rig.now());
        let sample = Sample::new(subscription, text.into(), received.into_std());
        rig.decoder.push(Feed::Sample(Arc::new(sample)), received);
    }
}

fn contact(rig: &mut DecoderHarness, levels: [u8; 3]) {
    Contact::new(rig).tell(rig, levels);
}

fn averaged(filters: Filters) -> DecoderHarness {
    let shape = View { montage: Montage::CommonAverage, ..view(1.0, 128, filters) };
    DecoderHarness::new(&["AF3", "Pz", "AF4"], 128.0, shape)
}

#[test]
fn the_average_is_of_the_channels_in_contact_and_is_told() {
    let mut rig = averaged(Filters::NONE);
    contact(&mut rig, [4, 1, 2]);
    rig.send(&[10.0, 500.0, 20.0]);
    let traces = rig.traces();
    let last: Vec<f32> = traces.channels.iter().map(|trace| trace.columns[0].last).collect();
    assert_eq!((last, traces.reference.len()), (vec![-5.0, 485.0, 5.0], 2));
    // The raw value is unchanged.
    assert_eq!(traces.channels[0].raw, Some(10.0));
}

#[test]
fn without_known_contact_everything_is_as_recorded() {
    for levels in [None, Some([4, 1, 0])] {
        let mut rig = averaged(Filters::NONE);
        if let Some(levels) = levels {
            contact(&mut rig, levels);
        }
        rig.send(&[10.0, 500.0, 20.0]);
        let traces = rig.traces();
        let last: Vec<f32> = traces.channels.iter().map(|trace| trace.columns[0].last).collect();
        assert_eq!((last, traces.reference.len()), (vec![10.0, 500.0, 20.0], 0));
    }
}

#[test]
fn a_change_of_contact_changes_no_closed_column() {
    let mut rig = averaged(Filters::default());
    let contact = Contact::new(&mut rig);
    contact.tell(&mut rig, [4, 4, 4]);
    for at in 0..100 {
        rig.send(&[sine(10.0, at), sine(7.0, at), 4100.0]);
    }
    let before = rig.traces();
    contact.tell(&mut rig, [4, 0, 4]);
    for at in 100..120 {
        rig.send(&[sine(10.0, at), sine(7.0, at), 4100.0]);
    }
    let after = rig.traces();
    assert_eq!((before.reference.len(), after.reference.len()), (3, 2));
    for (before, after) in before.channels.iter().zip(&after.channels) {
        let closed = before.columns.len() - 1;
        assert_eq!(bits(&before.columns[..closed]), bits(&after.columns[..closed]));
    }
}

#[test]
fn what_all_channels_have_in_common_is_gone() {
    let mut rig = averaged(Filters::default());
    contact(&mut rig, [4, 4, 4]);
    for at in 0..512 {
        let hum = sine(50.0, at);
        rig.send(&[hum, hum - 31.0, hum + 77.0]);
    }
    let traces = rig.traces();
    let largest = traces.channels.iter().flat_map(|trace| &trace.columns);
    let largest = largest.fold(0.0_f32, |most, column| most.max(column.max).max(-column.min));
    assert!(largest < 1e-3, "{largest} µV of 20 are left");
}

#[test]
fn the_montage_shapes_the_spectrum_as_it_does_the_traces() {
    let peak = |montage| {
        let shape = View { montage, ..spectral(10.0, 10) };
        let mut rig = DecoderHarness::new(&["AF3", "Pz", "AF4"], 128.0, shape);
        contact(&mut rig, [4, 4, 4]);
        for at in 0..128 * 12 {
            // Hum on all channels, above the low-pass, and alpha on one.
            let hum = sine(60.0, at);
            rig.send(&[hum + sine(10.0, at) / 2.0, hum, hum - 30.0]);
        }
        let traces = rig.traces();
        let spectra = traces.spectra.unwrap();
        let welch = spectra.welch(0, traces.bins).unwrap();
        spectra.peak(&welch, FLOOR).map(|(hz, _)| hz)
    };
    assert_eq!(peak(Montage::AsRecorded), Some(60.0));
    assert_eq!(peak(Montage::CommonAverage), Some(10.0));
}

#[test]
fn restarts_stand_in_their_bins_live_and_from_the_history() {
    let shape = view(10.0, 100, Filters::default());
    let mut rig = DecoderHarness::new(&["Pz", "T7"], 128.0, shape.clone());
    for at in 0..128 * 15_u64 {
        // Lasting jumps, the second of them back and forth within a bin, and one that does not
        // last.
        let level = match at {
            0..700 | 1000..1004 => 4200.0,
            1500..1502 => 9000.0,
            _ => 6000.0,
        };
        rig.send(&[level, 4200.0]);
    }
    let restarts = |rig: &DecoderHarness| {
        let traces = rig.traces();
        assert!(traces.channels[1].restarts.is_empty(), "the other channel goes on");
        traces.channels[0].restarts.clone()
    };
    let bins = rig.traces().bins;
    let wanted = vec![bins.of(702), bins.of(1002)];
    assert_eq!(restarts(&rig), wanted);
    rig.decoder.set_view(View { end: ViewEnd::At(128 * 14), ..shape.clone() });
    assert_eq!(restarts(&rig), wanted);
    // What the window no longer shows is gone.
    rig.decoder.set_view(View { end: ViewEnd::At(128 * 14), window: 3.0, ..shape.clone() });
    assert_eq!(restarts(&rig), [0_u64; 0]);
    rig.decoder.set_view(View { filters: Filters::NONE, ..shape });
    assert_eq!(restarts(&rig), [0_u64; 0]);
}

#[test]
fn a_channel_that_jumps_all_the_time_has_a_mark_a_column_at_most() {
    let mut rig = DecoderHarness::one(view(10.0, 50, Filters::default()));
    for at in 0..128 * 60_u64 {
        rig.send(&[if at / 3 % 2 == 0 { 4200.0 } else { 6000.0 }]);
    }
    let restarts = rig.traces().channels[0].restarts.clone();
    assert!((49..=50).contains(&restarts.len()), "{}", restarts.len());
}

#[test]
fn band_power_has_a_history() {
    let mut rig =
        DecoderHarness::one(View { stream: Stream::Pow, ..view(10.0, 80, Filters::default()) });
    let labels = ["AF3/theta", "AF3/alpha"].map(|label| Label::One(label.to_owned()));
    let subscription = Arc::new(Subscription {
        stream: Stream::Pow,
        columns: Columns(labels.to_vec()),
        nominal_rate: Some(8.0),
        ..(*rig.subscription).clone()
    });
    let start = rig.start;
    rig.decoder.push(Feed::Subscribed(Arc::clone(&subscription)), start);
    for at in 0..40_u32 {
        let time = 1.7e9 + f64::from(at) / 8.0;
        let text = format!(r#"{{"pow":[1.5,{at}.25],"sid":"s","time":{time:?}}}"#);
        let received = start + std::time::Duration::from_millis(u64::from(at) * 125);
        let sample = Sample::new(Arc::clone(&subscription), text.into(), received.into_std());
        rig.decoder.push(Feed::Sample(Arc::new(sample)), received);
    }
    let snapshot = rig.decoder.snapshot(start);
    assert_eq!(snapshot.readings.pow.unwrap().get("AF3/alpha"), Some(39.25));
    let traces = snapshot.traces.unwrap();
    let alpha: Vec<f32> = traces.channels[1].columns.iter().map(|column| column.last).collect();
    let wanted: Vec<f32> = (0..40_u8).map(|at| f32::from(at) + 0.25).collect();
    assert_eq!(alpha, wanted);
    // Of the samples up to a second before the newest.
    let median = traces.channels[1].exact_median;
    assert!((16.25..=20.25).contains(&median), "{median}");
}

#[test]
fn a_pair_is_the_difference_of_its_channels_in_picture_cursor_and_spectrum() {
    let shape = View { montage: Montage::LongitudinalBipolar, ..spectral(10.0, 10) };
    let mut rig = DecoderHarness::new(&["T7", "Pz", "F7"], 128.0, shape.clone());
    let alpha = |at| sine(10.0, at) - 4200.0;
    for at in 0..128 * 12 {
        let hum = sine(60.0, at);
        rig.send(&[hum, 4100.0, hum + alpha(at)]);
    }
    let traces = rig.traces();
    let [trace] = &traces.channels[..] else { panic!("one pair") };
    assert_eq!((&*trace.label, traces.channels_in_all), ("F7–T7", 3));
    assert!(trace.is_of("F7") && trace.is_of("T7") && trace.is_of("F7–T7") && !trace.is_of("Pz"));
    let spectra = traces.spectra.as_ref().unwrap();
    let welch = spectra.welch(0, traces.bins).unwrap();
    assert_eq!(spectra.peak(&welch, FLOOR).map(|(hz, _)| hz), Some(10.0));
    let at = 128 * 11 + 3;
    let filters = Filters::NONE;
    let cursors = [Some(at), None];
    rig.decoder.set_view(View { end: ViewEnd::At(128 * 12), cursors, filters, ..shape });
    let value = rig.traces().channels[0].at[0];
    assert!((f64::from(value) - alpha(at)).abs() < 1e-2, "{value}");
}

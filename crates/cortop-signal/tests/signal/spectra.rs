//! Spectra, reference and the history of band power, on what the decoder makes of messages.

use std::{f64::consts::TAU, sync::Arc};

use cortop_protocol::{Columns, Feed, Sample, Stream, Subscription, sample::Column as Label};
use cortop_signal::{
    Filters, View,
    spectra::Spectra,
    view::{End, Reference},
};
use proptest::prelude::*;

use crate::rig::{Rig, bits, view};

/// A view of spectra.
fn spectral(window: f64, columns: usize) -> View {
    View { spectra: true, ..view(window, columns, Filters::default()) }
}

fn sine(hz: f64, at: u64) -> f64 {
    4200.0 + 20.0 * (TAU * hz * at as f64 / 128.0).sin()
}

fn spectra(rig: &Rig) -> Spectra {
    rig.traces().spectra.unwrap()
}

/// The powers by bin, bit by bit, so that NaN are alike.
fn by_bin(spectra: &Spectra) -> Vec<(u64, Vec<u32>)> {
    let powers = spectra.columns.iter().map(|column| column.iter().map(|p| p.to_bits()).collect());
    (spectra.first_bin..).zip(powers).collect()
}

#[test]
fn alpha_is_the_peak_and_a_window_of_n_seconds_has_n_minus_one_segments() {
    let mut rig = Rig::one(spectral(10.0, 10));
    for at in 0..128 * 12 {
        assert_eq!(whole(&rig.traces()) > 0, at >= 256, "{at}");
        rig.send(&[sine(10.0, at)]);
    }
    let traces = rig.traces();
    let spectra = traces.spectra.unwrap();
    let welch = spectra.welch(0, traces.bins).unwrap();
    assert_eq!(welch.segments, 9);
    let (hz, power) = spectra.peak(&welch).unwrap();
    // Half the square of the amplitude, under a Hann window of 2 s: 2/3 of it a line of 0.5 Hz.
    assert!((hz - 10.0).abs() < 1e-9 && (power / (200.0 / 0.75) - 1.0).abs() < 0.02, "{power}");
    let bands = spectra.bands(spectra.columns.len() - 1, 0).map(Option::unwrap);
    assert!(bands.iter().enumerate().all(|(at, &power)| at == 1 || power < bands[1] / 1000.0));
}

/// Segments that the spectrum is the mean of.
fn whole(traces: &cortop_signal::Traces) -> usize {
    let spectra = traces.spectra.as_ref().unwrap();
    spectra.welch(0, traces.bins).map_or(0, |welch| welch.segments)
}

#[test]
fn segments_that_hold_a_gap_are_left_out() {
    let mut rig = Rig::one(spectral(10.0, 10));
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
    // Each case makes hundreds of spectra, without optimisation.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn closed_columns_never_change_and_come_out_the_same_from_the_history(
        window in prop::sample::select(vec![2.0, 5.0, 10.0]), columns in 1..200_usize,
        fates in prop::collection::vec((0..40_u64, any::<bool>(), 1..200_u64), 1..8),
    ) {
        let shape = spectral(window, columns);
        let mut rig = Rig::one(shape.clone());
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
        // Built anew, the bins are the same; their powers too, but for the filters' priming.
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
    let mut rig = Rig::one(spectral(5.0, 5));
    (0..128 * 30).for_each(|at| rig.send(&[sine(if at < 128 * 15 { 6.0 } else { 20.0 }, at)]));
    let peak = |rig: &Rig| {
        let traces = rig.traces();
        let spectra = traces.spectra.unwrap();
        spectra.peak(&spectra.welch(0, traces.bins).unwrap()).map(|(hz, _)| hz)
    };
    assert_eq!(peak(&rig), Some(20.0));
    rig.decoder.set_view(View { end: End::At(128 * 12), ..spectral(5.0, 5) });
    assert_eq!(peak(&rig), Some(6.0));
    rig.send(&[0.0]);
    assert_eq!(peak(&rig), Some(6.0));
}

/// The contact of three sensors as `dev` messages tell it.
struct Contact(Arc<Subscription>);

impl Contact {
    fn new(rig: &mut Rig) -> Self {
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

    fn tell(&self, rig: &mut Rig, [a, b, c]: [u8; 3]) {
        let text = format!(r#"{{"dev":[4,1,[{a},{b},{c},80]],"sid":"s","time":1.7e9}}"#);
        let (subscription, received) = (Arc::clone(&self.0), rig.now());
        let sample = Sample { subscription, text: text.into(), received: received.into_std() };
        rig.decoder.push(Feed::Sample(sample), received);
    }
}

fn contact(rig: &mut Rig, levels: [u8; 3]) {
    Contact::new(rig).tell(rig, levels);
}

fn averaged(filters: Filters) -> Rig {
    let shape = View { reference: Reference::CommonAverage, ..view(1.0, 128, filters) };
    Rig::new(&["AF3", "Pz", "AF4"], 128.0, shape)
}

#[test]
fn the_average_is_of_the_channels_in_contact_and_is_told() {
    let mut rig = averaged(Filters::NONE);
    contact(&mut rig, [4, 1, 2]);
    rig.send(&[10.0, 500.0, 20.0]);
    let traces = rig.traces();
    let last: Vec<f32> = traces.channels.iter().map(|trace| trace.columns[0].last).collect();
    assert_eq!((last, traces.averaged), (vec![-5.0, 485.0, 5.0], Some(2)));
    // The raw value stays what it is.
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
        assert_eq!((last, traces.averaged), (vec![10.0, 500.0, 20.0], None));
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
    assert_eq!((before.averaged, after.averaged), (Some(3), Some(2)));
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
fn band_power_has_a_history() {
    let mut rig = Rig::one(View { stream: Stream::Pow, ..view(10.0, 80, Filters::default()) });
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
        let sample = Sample {
            subscription: Arc::clone(&subscription),
            text: text.into(),
            received: received.into_std(),
        };
        rig.decoder.push(Feed::Sample(sample), received);
    }
    let snapshot = rig.decoder.snapshot(start);
    assert_eq!(snapshot.readings.pow.unwrap().get("AF3/alpha"), Some(39.25));
    let traces = snapshot.traces.unwrap();
    let alpha: Vec<f32> = traces.channels[1].columns.iter().map(|column| column.last).collect();
    let wanted: Vec<f32> = (0..40_u8).map(|at| f32::from(at) + 0.25).collect();
    assert_eq!(alpha, wanted);
}

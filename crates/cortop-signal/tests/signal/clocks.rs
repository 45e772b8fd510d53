//! Clocks that are set, stamps that are wrong, and outages: the losses are those that COUNTER
//! shows, as long as arrivals agree.

use std::{fmt, sync::Arc, time::Duration};

use cortop_protocol::{Columns, Feed, Sample, Stream, Subscription, sample::Column};
use cortop_signal::{Filters, StreamHealth, View, decoder::Decoder};
use tokio::time::Instant;

use crate::harness::{eeg, message, view};

/// 2023-11-14, 22:13:20 UTC.
const EPOCH: f64 = 1.7e9;
/// The number of samples before the event, and after it.
const BEFORE: u64 = 1100;
const AFTER: u64 = 1300;

const STEPS: [f64; 9] = [-3600.0, -60.0, -1.0, 1.0, 3.37, 12.0, 60.0, 3600.0, 86_400.0];

/// A headset, described by its counter and its rate.
#[derive(Clone, Copy, Debug)]
struct CountingHeadset {
    nominal: f64,
    rate: f64,
    wrap: u64,
}

/// All combinations of rate and wrap.
fn headsets() -> impl Iterator<Item = CountingHeadset> {
    let all = [(128.0, 128), (128.0, 129), (256.0, 256), (256.0, 128), (256.0, 129)];
    all.into_iter().map(|(rate, wrap)| CountingHeadset { nominal: rate, rate, wrap })
}

/// A decoder with one such headset, all of whose samples are in view.
struct ViewedDecoder {
    decoder: Decoder,
    headset: CountingHeadset,
    subscription: Arc<Subscription>,
    start: Instant,
    now: Instant,
}

impl ViewedDecoder {
    fn new(headset: CountingHeadset) -> Self {
        let (start, subscription) = (Instant::now(), eeg(&["Pz"], headset.nominal));
        let shape = View { channels: [0].into(), ..view(2.0, 100, Filters::NONE) };
        let mut decoder = Decoder::new(shape, 64 << 20);
        decoder.push(Feed::Subscribed(subscription.clone()), start);
        Self { decoder, headset, subscription, start, now: start }
    }

    /// Sends the sample measured at `index`, which arrives this many seconds late, with a changed
    /// stamp.
    fn send(&mut self, index: u64, late: f64, stamp: impl Fn(f64) -> f64) {
        let taken = index as f64 / self.headset.rate;
        self.now = self.start + Duration::from_secs_f64(taken + late);
        let value = 4200.0 + (index % 7) as f64;
        let text = message(index % self.headset.wrap, &[value], stamp(EPOCH + taken));
        let (subscription, received) = (self.subscription.clone(), self.now.into_std());
        let sample = Sample::new(subscription, text.into(), received);
        self.decoder.push(Feed::Sample(Arc::new(sample)), self.now);
    }

    fn health(&self) -> StreamHealth {
        self.decoder.snapshot(self.now).health.swap_remove(0)
    }

    /// Whether the window is drawn without a hole up to the sample before `end`, if nothing was
    /// lost so far.
    fn is_whole(&self, end: u64) -> bool {
        let traces = self.decoder.snapshot(self.now).traces.unwrap();
        let columns = &traces.channels[0].columns;
        traces.end == end && columns.iter().all(|column| column.count > 0 && !column.gap)
    }

    /// Expects that everything but the stamps is well.
    fn expect_whole(&self, samples: u64, what: &dyn fmt::Debug) {
        let health = self.health();
        assert_eq!((health.received, health.lost), (samples, 0), "{what:?}");
        assert!(self.is_whole(samples), "{what:?}");
        let rate = health.rate.expect("measured") / self.headset.rate;
        assert!((rate - 1.0).abs() < 0.02, "{what:?}: {rate}");
        assert!(health.recent.jitter.unwrap() < 1e-3, "{what:?}: {health:?}");
    }
}

#[test]
fn a_time_that_is_wrong_costs_no_sample() {
    for headset in headsets() {
        for by in STEPS {
            for length in [1, (headset.rate / 50.0) as u64, headset.rate as u64, AFTER] {
                let what = (headset, by, length);
                let mut watched = ViewedDecoder::new(headset);
                let end = BEFORE + length.max(700) + AFTER;
                let wrong = BEFORE..BEFORE + if length == AFTER { end } else { length };
                for index in 0..end {
                    watched.send(index, 0.0, |t| if wrong.contains(&index) { t + by } else { t });
                }
                watched.expect_whole(end, &what);
                let (health, seconds) = (watched.health(), length as f64 / headset.rate);
                let stays = length == AFTER;
                assert_eq!(health.malformed, if seconds < 0.1 { length } else { 0 }, "{what:?}");
                // Set permanently, or for a second and then set back.
                let last = if stays { by } else { -by };
                match health.clock_step.filter(|_| seconds > 0.1) {
                    Some(step) => assert!((step.seconds - last).abs() < 1e-3, "{what:?} {step:?}"),
                    None => assert!(seconds < 0.1 && health.clock_step.is_none(), "{what:?}"),
                }
            }
        }
    }
}

#[test]
fn a_wrong_time_costs_no_sample_wherever_it_stands() {
    let absolute = [0.0, 7.0, -1e9, 1e12].map(|stamp| (0.0, stamp));
    let relative = STEPS.map(|by| (1.0, by));
    for headset in headsets() {
        for (share, by) in absolute.into_iter().chain(relative) {
            for at in [1, 2, 100, 127, 128, 129, 130, 255, 256, 257, 258] {
                let mut watched = ViewedDecoder::new(headset);
                for index in 0..1400 {
                    let stamp = |time: f64| if index == at { share * time + by } else { time };
                    watched.send(index, 0.0, stamp);
                }
                watched.expect_whole(1400, &(headset, by, at));
                let health = watched.health();
                assert_eq!(
                    (health.malformed, health.clock_step),
                    (1, None),
                    "{headset:?} {by} {at}"
                );
            }
        }
    }
}

#[test]
fn a_wrong_time_each_second_costs_no_sample_and_no_memory() {
    for headset in headsets() {
        for by in STEPS {
            let mut watched = ViewedDecoder::new(headset);
            let a_second = headset.rate as u64;
            for index in 0..40 * a_second {
                let wrong = index % a_second == 77;
                watched.send(index, 0.0, |time| if wrong { time + by } else { time });
            }
            watched.expect_whole(40 * a_second, &(headset, by));
            let health = watched.health();
            assert_eq!((health.malformed, health.clock_step), (40, None), "{headset:?} {by}");
            // The time axis continues, too.
            let traces = watched.decoder.snapshot(watched.now).traces.unwrap();
            let seconds: Vec<i64> = traces.seconds.iter().map(|&(_, second)| second).collect();
            assert!(seconds.len() >= 2 && seconds.is_sorted(), "{seconds:?}");
            let end = EPOCH + (40 * a_second - 1) as f64 / headset.rate;
            assert!((traces.end_time.unwrap() - end).abs() < 1e-3);
        }
    }
}

const OUTAGES: [u64; 13] = [1, 2, 64, 127, 128, 129, 255, 256, 257, 300, 1281, 5000, 12_800];

/// Sends samples around an outage, the last of which had to wait until the others could be sent.
fn outage(headset: CountingHeadset, lost: u64, delayed: u64, set: f64) -> ViewedDecoder {
    let mut watched = ViewedDecoder::new(headset);
    (0..BEFORE).for_each(|index| watched.send(index, 0.0, |time| time));
    for index in BEFORE + lost..BEFORE + lost + AFTER {
        let waits = (BEFORE + lost + delayed).saturating_sub(index);
        watched.send(index, waits as f64 / headset.rate, |time| time + set);
    }
    watched
}

#[test]
fn an_outage_is_counted_exactly() {
    for headset in headsets() {
        // Real headsets run at slightly different rates, too.
        for rate in [headset.rate, headset.rate * 127.0 / 128.0] {
            let headset = CountingHeadset { rate, ..headset };
            for lost in OUTAGES.into_iter().filter(|&lost| lost as f64 / rate < 101.0) {
                let watched = outage(headset, lost, 0, 0.0);
                let health = watched.health();
                let expected = (BEFORE + AFTER, lost, 0);
                let found = (health.received, health.lost, health.malformed);
                assert_eq!(found, expected, "{headset:?}");
                assert_eq!(health.clock_step, None, "{headset:?} {lost}");
                let end = watched.decoder.snapshot(watched.now).traces.unwrap().end;
                assert_eq!(end, BEFORE + lost + AFTER);
            }
        }
    }
}

#[test]
fn an_outage_during_which_the_clock_is_set_is_counted_exactly() {
    for headset in headsets() {
        for lost in OUTAGES {
            for set in STEPS {
                let watched = outage(headset, lost, 0, set);
                let health = watched.health();
                assert_eq!(
                    (health.received, health.lost),
                    (BEFORE + AFTER, lost),
                    "{headset:?} {set}"
                );
                let step = health.clock_step.unwrap_or_else(|| panic!("{headset:?} {lost} {set}"));
                assert!((step.seconds - set).abs() < 0.01, "{headset:?} {lost} {set}: {step:?}");
                assert_eq!(health.malformed, 0);
            }
        }
    }
}

#[test]
fn a_repeated_or_late_sample_after_an_outage_is_dropped() {
    for headset in headsets() {
        for lost in OUTAGES {
            for back in [1, 30, 300] {
                let mut watched = ViewedDecoder::new(headset);
                (0..BEFORE).for_each(|index| watched.send(index, 0.0, |time| time));
                let waits = (lost + back) as f64 / headset.rate;
                watched.send(BEFORE - back, waits, |time| time);
                for index in BEFORE + lost..BEFORE + lost + AFTER {
                    watched.send(index, 0.0, |time| time);
                }
                let health = watched.health();
                let found = (health.received, health.lost, health.malformed, health.clock_step);
                assert_eq!(found, (BEFORE + AFTER, lost, 1, None), "{headset:?} {lost} {back}");
            }
        }
    }
}

#[test]
fn strays_within_an_outage_do_not_end_it() {
    for headset in headsets() {
        for (first, second) in [(120, 32), (120, 300), (300, 128), (128, 128), (1280, 127)] {
            for (one, other) in [(1, 1), (30, 1), (1, 30), (128, 128), (300, 30)] {
                let mut watched = ViewedDecoder::new(headset);
                (0..BEFORE).for_each(|index| watched.send(index, 0.0, |time| time));
                let mut stray = |back: u64, silence: u64| {
                    let waits = (silence + back) as f64 / headset.rate;
                    watched.send(BEFORE - back, waits, |time| time);
                };
                stray(one, first);
                stray(other, first + second);
                let lost = first + second + 40;
                for index in BEFORE + lost..BEFORE + lost + AFTER {
                    watched.send(index, 0.0, |time| time);
                }
                let health = watched.health();
                let found = (health.received, health.lost, health.malformed, health.clock_step);
                let case = (headset, first, second, one, other);
                assert_eq!(found, (BEFORE + AFTER, lost, 2, None), "{case:?}");
            }
        }
    }
}

#[test]
fn what_is_only_delayed_is_not_lost() {
    for headset in headsets() {
        for lost in [0, 1, 127, 128, 300, 12_800] {
            for delayed in [1, 20, 128, 300, 1281] {
                let health = outage(headset, lost, delayed, 0.0).health();
                let found = (health.received, health.lost, health.malformed, health.clock_step);
                assert_eq!(found, (BEFORE + AFTER, lost, 0, None), "{headset:?} {delayed}");
            }
        }
    }
}

#[test]
fn of_shuffled_stamps_nothing_is_dropped_and_wrong_ones_are_counted() {
    let hash = |index: u64| (index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    let share = |index: u64| hash(index) as f64 / f64::from(1 << 24);
    for headset in headsets() {
        let mut watched = ViewedDecoder::new(headset);
        for index in 0..6000 {
            watched.send(index, 0.0, |time| time + 4.0 * share(index) - 2.0);
        }
        let health = watched.health();
        assert_eq!((health.received, health.lost), (6000, 0), "{headset:?}");
        assert!(health.malformed > 4500 && !health.rate_is_off(), "{health:?}");
        assert!(watched.is_whole(6000));
    }
    // If the samples themselves are out of order, each is drawn or counted.
    let headset = CountingHeadset { nominal: 128.0, rate: 128.0, wrap: 128 };
    let mut order: Vec<u64> = (0..6000).collect();
    order.sort_by_key(|&index| index * 1000 + hash(index) % 256_000);
    let mut watched = ViewedDecoder::new(headset);
    for (place, index) in (0_u32..).zip(order) {
        watched.send(index, (f64::from(place) - index as f64) / 128.0, |time| time);
    }
    let health = watched.health();
    assert!(health.received + health.malformed >= 6000, "{health:?}");
}

#[test]
fn a_clock_that_is_set_is_marked_once_where_it_was() {
    let headset = CountingHeadset { nominal: 128.0, rate: 128.0, wrap: 128 };
    let mut watched = ViewedDecoder::new(headset);
    for index in 0..1200 {
        watched.send(index, 0.0, |time| if index < 1100 { time } else { time - 60.0 });
    }
    let traces = watched.decoder.snapshot(watched.now).traces.unwrap();
    let [(at, seconds)] = traces.clock_steps[..] else { panic!("{:?}", traces.clock_steps) };
    assert!(at == 1100 && (seconds + 60.0).abs() < 1e-6);
    // Each second by its own clock.
    let offset = |index: u64| if index < 1100 { 0 } else { -60 };
    let expected = |&(at, _): &(u64, i64)| 1_700_000_000 + (at / 128).cast_signed() + offset(at);
    assert!(traces.seconds.iter().all(|second| expected(second) == second.1));
    let end = EPOCH + 1199.0 / 128.0 - 60.0;
    assert!((traces.end_time.unwrap() - end).abs() < 1e-3);
    let health = watched.health();
    let step = health.clock_step.unwrap();
    let sentence = step.sentence(Stream::Eeg, "18:13:55");
    assert_eq!(sentence, "the times of eeg jumped 60.0 s back at 18:13:55", "no other shows it");
    assert_eq!((step.received - watched.start).as_secs_f64().round() as u64, 9);
}

/// A stream beside `eeg`: 64 Hz of motion with a counter, or two contact samples per second
/// without.
fn beside(stream: Stream) -> (Arc<Subscription>, f64) {
    let (labels, rate) = match stream {
        Stream::Mot => (&["COUNTER_MEMS", "INTERPOLATED_MEMS", "Q0"][..], 64.0),
        _ => (&["Battery", "Signal"][..], 2.0),
    };
    let columns = labels.iter().map(|label| Column::One((*label).to_owned())).collect();
    let like = eeg(&["Pz"], rate);
    let columns = Columns(columns);
    (Arc::new(Subscription { stream, columns, ..(*like).clone() }), rate)
}

/// Forty seconds of `eeg` and of another stream, with the given stamps. Returns the health of both.
fn side_by_side(
    other: Stream,
    stamp: impl Fn(f64) -> f64,
    other_stamp: impl Fn(f64) -> f64,
) -> [StreamHealth; 2] {
    let headset = CountingHeadset { nominal: 256.0, rate: 256.0, wrap: 256 };
    let mut watched = ViewedDecoder::new(headset);
    let (subscription, rate) = beside(other);
    watched.decoder.push(Feed::Subscribed(subscription.clone()), watched.start);
    let every = (headset.rate / rate) as u64;
    for index in 0..40 * 256 {
        watched.send(index, 0.0, &stamp);
        if index % every == 0 {
            let (count, time) = (index / every, index as f64 / headset.rate);
            let values = match other {
                Stream::Mot => format!("[{},0,0.5]", count % 64),
                _ => "[3,1.0]".to_owned(),
            };
            let time = other_stamp(EPOCH + time);
            let text = format!(r#"{{"{other}":{values},"sid":"s","time":{time}}}"#);
            let received = watched.now.into_std();
            let sample = Sample::new(subscription.clone(), text.into(), received);
            watched.decoder.push(Feed::Sample(Arc::new(sample)), watched.now);
        }
    }
    let mut health = watched.decoder.snapshot(watched.now).health;
    health.sort_by_key(|health| health.stream != Stream::Eeg);
    health.try_into().expect("two")
}

#[test]
fn one_streams_wrong_stamps_are_no_clock_that_was_set() {
    for other in [Stream::Mot, Stream::Dev] {
        for by in [-3600.0, 3.37, 3600.0] {
            let wrong = |time: f64| {
                let is_wrong = (10.0..10.0 + 300.0 / 256.0).contains(&(time - EPOCH));
                if is_wrong { time + by } else { time }
            };
            let [eeg, beside] = side_by_side(other, wrong, |time| time);
            let found = (eeg.lost, eeg.malformed, eeg.wrong_times, eeg.clock_step);
            assert_eq!(found, (0, 300, 300, None), "{other} {by}");
            assert_eq!((beside.malformed, beside.clock_step), (0, None), "{other} {by}");

            // For as long as they are wrong.
            let wrong = |time: f64| if time - EPOCH >= 10.0 { time + by } else { time };
            let [eeg, _] = side_by_side(other, wrong, |time| time);
            assert_eq!((eeg.wrong_times, eeg.clock_step), (30 * 256, None), "{other} {by}");
        }
    }
}

#[test]
fn a_clock_that_is_set_moves_all_streams() {
    for other in [Stream::Mot, Stream::Dev] {
        for by in STEPS.into_iter().filter(|by| by.abs() > 1.0) {
            let set = |time: f64| if time - EPOCH >= 10.0 { time + by } else { time };
            for health in side_by_side(other, set, set) {
                let what = (health.stream, by);
                let step = health.clock_step.unwrap_or_else(|| panic!("{what:?}"));
                assert!((step.seconds - by).abs() < 0.01, "{what:?} {step:?}");
                assert_eq!((health.lost, health.malformed), (0, 0), "{what:?}");
            }
        }
    }
}

#[test]
fn an_absurd_rate_is_none() {
    for nominal in [2_000_000.0, 2561.0, -1.0] {
        let headset = CountingHeadset { nominal, rate: 128.0, wrap: 128 };
        let mut watched = ViewedDecoder::new(headset);
        (0..1500).for_each(|index| watched.send(index, 0.0, |time| time));
        let traces = watched.decoder.snapshot(watched.now).traces.unwrap();
        assert_eq!((traces.bins.samples, watched.health().lost), (256, 0), "{nominal}");
    }
}

//! Channels whose raw signal cannot be EEG: railed, off level, flat; with every kind of headset.

use std::{path::Path, sync::Arc, time::Duration};

use cortop_protocol::{Columns, Feed, Sample, Stream, Subscription, sample::Column as Label};
use cortop_signal::{Defect, View, decoder::Decoder};
use cortop_sim::{
    replay::Recording,
    sample_writer::SampleWriter,
    source::{SampleContext, SampleSource as _},
};
use serde_json::Value;
use tokio::time::Instant;

use crate::log_capture::LogCapture;
use Defect::{Flat, OffLevel, Railed};

const RATE: u16 = 128;
const EPOC_X: &str = "EPOCX-1A2B3C4D";
const FLEX: &str = "EPOCFLEX-1A2B3C4D";

/// A headset and the decoder that receives its samples. No view shows it.
struct DecodedHeadset {
    decoder: Decoder,
    subscription: Arc<Subscription>,
    start: Instant,
    sent: u32,
}

impl DecodedHeadset {
    fn new(id: &str, sensors: &[&str]) -> Self {
        let labels = ["COUNTER", "INTERPOLATED"].iter().chain(sensors);
        let labels = labels.map(|label| Label::One((*label).to_owned()));
        let subscription = Arc::new(Subscription {
            session: "s".into(),
            headset: id.into(),
            stream: Stream::Eeg,
            columns: Columns(labels.collect()),
            nominal_rate: Some(RATE.into()),
        });
        let (mut decoder, start) = (Decoder::new(View::default(), 1 << 20), Instant::now());
        decoder.push(Feed::Subscribed(Arc::clone(&subscription)), start);
        Self { decoder, subscription, start, sent: 0 }
    }

    fn send(&mut self, interpolated: bool, values: impl Iterator<Item = Option<f64>>) {
        let values =
            values.map(|value| value.map_or("null".to_owned(), |value| format!("{value:?}")));
        let values = values.collect::<Vec<_>>().join(",");
        let (counter, flag) = (self.sent % u32::from(RATE), u8::from(interpolated));
        let seconds = f64::from(self.sent) / f64::from(RATE);
        let text = format!(
            r#"{{"eeg":[{counter},{flag},{values}],"sid":"s","time":{:?}}}"#,
            1.7e9 + seconds
        );
        let received = self.start + Duration::from_secs_f64(seconds);
        let subscription = Arc::clone(&self.subscription);
        let sample = Sample::new(subscription, text.into(), received.into_std());
        self.decoder.push(Feed::Sample(Arc::new(sample)), received);
        self.sent += 1;
    }

    /// Seconds of samples, given the signal of each channel.
    fn measure(&mut self, seconds: f64, channels: &[TestSignal]) {
        for _ in 0..samples(seconds) {
            let at = self.sent;
            self.send(false, channels.iter().map(|signal| Some(signal(at))));
        }
    }

    /// Seconds of samples that repeat one value, as Cortex fills them in.
    fn hold(&mut self, seconds: f64, value: f64) {
        let channels = self.subscription.columns.labels().count() - 2;
        for _ in 0..samples(seconds) {
            self.send(true, std::iter::repeat_n(Some(value), channels));
        }
    }

    fn bad(&self) -> Vec<(String, Defect)> {
        let health = self.decoder.snapshot(self.start).health.swap_remove(0);
        health.bad_channels.iter().map(|bad| (bad.label.to_string(), bad.defect)).collect()
    }

    fn expect(&self, expected: &[(&str, Defect)]) {
        let bad = self.bad();
        let bad: Vec<_> = bad.iter().map(|(label, defect)| (label.as_str(), *defect)).collect();
        assert_eq!(bad, expected, "{} after {} samples", self.subscription.headset, self.sent);
    }
}

fn samples(seconds: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few seconds")]
    let samples = (seconds * f64::from(RATE)).round() as usize;
    samples
}

/// The value that a channel measures at a sample.
type TestSignal = fn(u32) -> f64;

/// Alpha of ±30 µV, in which no two consecutive samples are equal.
fn eeg(at: u32) -> f64 {
    30.0 * (f64::from(at) * 0.49).sin()
}

const GOOD: TestSignal = |at| 4200.0 + eeg(at);
/// From a file whose offset was removed.
const WITHOUT_OFFSET: TestSignal = eeg;
/// Noise at the rail, like an open input.
const AT_TOP: TestSignal = |at| 8401.923 - f64::from(at % 7);
const AT_ZERO: TestSignal = |at| f64::from(at % 7);
const TOO_LOW: TestSignal = |at| 1500.0 + eeg(at);
const TOO_HIGH: TestSignal = |at| 7000.0 + eeg(at);
const STUCK: TestSignal = |_| 4200.0;
const ZERO: TestSignal = |_| 0.0;
const TOP: TestSignal = |_| 8401.923;

#[test]
fn a_recording_of_an_insight_names_its_three_bad_channels() {
    let rows = include_str!("../fixtures/railed.csv").lines().skip(2);
    let rows: Vec<Vec<f64>> = rows
        .map(|row| row.split(',').skip(3).map(|cell| cell.parse().unwrap()).collect())
        .collect();
    let mut insight = DecodedHeadset::new("INSIGHT-1A2B3C4D", &["AF3", "T7", "Pz", "T8", "AF4"]);
    for row in rows.iter().cycle().take(samples(3.0)) {
        insight.send(false, row.iter().copied().map(Some));
    }
    insight.expect(&[("AF3", Railed), ("T7", Railed), ("T8", Flat)]);
}

#[test]
fn a_defect_begins_after_two_seconds_and_ends_after_two_without_it() {
    for (bad, defect) in [
        (AT_TOP, Railed),
        (AT_ZERO, Railed),
        (TOP, Railed),
        (ZERO, Railed),
        (STUCK, Flat),
        (TOO_LOW, OffLevel),
        (TOO_HIGH, OffLevel),
    ] {
        let mut headset = DecodedHeadset::new(EPOC_X, &["AF3", "T7", "Pz"]);
        headset.measure(10.0, &[GOOD; 3]);
        headset.expect(&[]);
        let after = if defect == OffLevel { 0.9 } else { 1.9 };
        headset.measure(after, &[GOOD, bad, GOOD]);
        headset.expect(&[]);
        headset.measure(0.7, &[GOOD, bad, GOOD]);
        headset.expect(&[("T7", defect)]);
        headset.measure(30.0, &[GOOD, bad, GOOD]);
        headset.expect(&[("T7", defect)]);
        headset.measure(0.7, &[GOOD; 3]);
        headset.expect(&[("T7", defect)]);
        headset.measure(2.0, &[GOOD; 3]);
        headset.expect(&[]);
    }
}

#[test]
fn a_glitch_now_and_then_neither_begins_nor_ends_one() {
    let mut headset = DecodedHeadset::new(EPOC_X, &["AF3", "T7", "Pz"]);
    let spikes: TestSignal = |at| if at % 200 < 3 { 8401.923 } else { GOOD(at) };
    let stuck: TestSignal = |at| if at > 640 && at % 400 == 0 { 4300.0 } else { 4200.0 };
    headset.measure(5.0, &[spikes, stuck, GOOD]);
    for _ in 0..40 {
        headset.measure(0.5, &[spikes, stuck, GOOD]);
        headset.expect(&[("T7", Flat)]);
    }
}

#[test]
fn the_median_decides_about_the_level() {
    let mut headset = DecodedHeadset::new(EPOC_X, &["AF3", "T7", "Pz", "T8"]);
    // 40 % and 60 % of the samples are too low.
    let minority: TestSignal = |at| if at % 5 < 2 { TOO_LOW(at) } else { GOOD(at) };
    let majority: TestSignal = |at| if at % 5 < 3 { TOO_LOW(at) } else { GOOD(at) };
    let edges: TestSignal = |at| if at.is_multiple_of(2) { 2001.0 } else { 6499.0 };
    headset.measure(4.0, &[minority, majority, edges, GOOD]);
    headset.expect(&[("T7", OffLevel)]);
}

#[test]
fn a_flex_has_no_rails_but_may_be_flat() {
    let mut flex = DecodedHeadset::new(FLEX, &["Cz", "Fz", "O1", "O2", "Pz"]);
    flex.measure(4.0, &[WITHOUT_OFFSET, AT_ZERO, ZERO, TOO_LOW, TOP]);
    flex.expect(&[("O1", Flat), ("Pz", Flat)]);
    // Nor does it if all channels looked like those of another headset.
    let mut flex = DecodedHeadset::new(FLEX, &["Cz", "Fz"]);
    flex.measure(4.0, &[AT_TOP, GOOD]);
    flex.expect(&[]);
}

#[test]
fn an_mn8_is_judged_as_it_carries_the_offset() {
    let mut mn8 = DecodedHeadset::new("MN8-1A2B3C4D", &["T7", "T8"]);
    mn8.measure(4.0, &[GOOD; 2]);
    mn8.expect(&[]);
    mn8.measure(4.0, &[AT_ZERO, GOOD]);
    mn8.expect(&[("T7", Railed)]);
    mn8.measure(4.0, &[AT_ZERO, AT_ZERO]);
    mn8.expect(&[("T7", Railed), ("T8", Railed)]);
    mn8.measure(4.0, &[TOO_HIGH, STUCK]);
    mn8.expect(&[("T7", OffLevel), ("T8", Flat)]);
}

#[test]
fn interpolated_samples_say_nothing() {
    for id in [EPOC_X, FLEX, "MN8-1A2B3C4D"] {
        let mut headset = DecodedHeadset::new(id, &["T7", "T8"]);
        headset.measure(3.0, &[GOOD; 2]);
        // Half a minute held by Cortex, at any value.
        for value in [4200.0, 0.0, 8401.923] {
            headset.hold(10.0, value);
            headset.expect(&[]);
        }
        // For a stuck channel, only measured samples count.
        for _ in 0..samples(1.9) {
            headset.hold(1.0 / f64::from(RATE), 4200.0);
            headset.measure(1.0 / f64::from(RATE), &[STUCK, GOOD]);
        }
        headset.expect(&[]);
        headset.measure(0.7, &[STUCK, GOOD]);
        headset.expect(&[("T7", Flat)]);
        headset.hold(10.0, 4300.0);
        headset.expect(&[("T7", Flat)]);
    }
}

#[test]
fn most_channels_tell_whether_there_is_an_offset() {
    const SENSORS: [&str; 5] = ["AF3", "T7", "Pz", "T8", "AF4"];
    let all = |defect| SENSORS.map(|sensor| (sensor, defect));
    // All channels at a rail do not go unnoticed, at the start or later.
    for rail in [AT_TOP, AT_ZERO, TOP, ZERO] {
        let mut headset = DecodedHeadset::new(EPOC_X, &SENSORS);
        headset.measure(4.0, &[rail; 5]);
        headset.expect(&all(Railed));
        let mut headset = DecodedHeadset::new(EPOC_X, &SENSORS);
        headset.measure(60.0, &[GOOD; 5]);
        headset.measure(4.0, &[rail; 5]);
        headset.expect(&all(Railed));
    }
    // A file without offset under the name of a headset with one is recognized, whatever one of its
    // channels does.
    for (odd, defects) in
        [(WITHOUT_OFFSET, &[][..]), (AT_TOP, &[]), (ZERO, &[("Pz", Flat)]), (TOO_HIGH, &[])]
    {
        let mut file = DecodedHeadset::new(EPOC_X, &SENSORS);
        file.measure(4.0, &[eeg, eeg, odd, eeg, eeg]);
        file.expect(defects);
    }
    // A file from which one level was subtracted on all channels, so that some never go below 0.
    let mut file = DecodedHeadset::new(EPOC_X, &SENSORS);
    file.measure(4.0, &[eeg, |at| eeg(at) - 100.0, |at| eeg(at) + 700.0, eeg, |at| eeg(at) + 90.0]);
    file.expect(&[]);
    // One bad channel does not change that for the others.
    for odd in [WITHOUT_OFFSET, ZERO, AT_ZERO] {
        let mut headset = DecodedHeadset::new(EPOC_X, &SENSORS);
        headset.measure(4.0, &[GOOD, GOOD, odd, GOOD, GOOD]);
        headset.expect(&[("Pz", Railed)]);
    }
    // For an unknown model, the data decide.
    for id in ["FLEX2-1A2B3C4D", "BGX-1A2B3C4D", "NEW-1A2B3C4D"] {
        let mut unknown = DecodedHeadset::new(id, &SENSORS);
        unknown.measure(4.0, &[eeg, eeg, AT_ZERO, TOO_LOW, eeg]);
        unknown.expect(&[]);
        let mut unknown = DecodedHeadset::new(id, &SENSORS);
        unknown.measure(4.0, &[GOOD, GOOD, AT_ZERO, TOO_LOW, GOOD]);
        unknown.expect(&[("Pz", Railed), ("T8", OffLevel)]);
    }
}

#[test]
fn a_channel_without_values_is_not_judged() {
    let mut headset = DecodedHeadset::new(EPOC_X, &["AF3", "T7"]);
    for at in 0..1280 {
        headset.send(false, [None, Some(GOOD(at))].into_iter());
    }
    headset.expect(&[]);
    // A null among the values of a stuck channel is not a different value.
    for at in 0..1280_u32 {
        let stuck = (at % 10 > 0).then_some(4200.0);
        headset.send(false, [stuck, Some(GOOD(at))].into_iter());
    }
    headset.expect(&[("AF3", Flat)]);
}

#[test]
fn the_log_says_when_it_begins_and_when_it_ends() {
    let log = LogCapture::default();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_target(false)
        .without_time()
        .with_writer(log.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        let mut headset = DecodedHeadset::new(EPOC_X, &["AF3", "T7", "Pz", "T8"]);
        headset.measure(30.0, &[AT_TOP, AT_ZERO, GOOD, STUCK]);
        headset.measure(4.0, &[GOOD, TOO_LOW, GOOD, STUCK]);
        headset.measure(4.0, &[GOOD; 4]);
    });
    let log = log.text();
    let lines: Vec<_> = log.lines().map(str::trim).collect();
    let expected = [
        "WARN EPOCX-1A2B3C4D: AF3, T7 railed",
        "WARN EPOCX-1A2B3C4D: T8 flat",
        "INFO EPOCX-1A2B3C4D: AF3 no longer railed",
        "WARN EPOCX-1A2B3C4D: T7 off level",
        "INFO EPOCX-1A2B3C4D: T8 no longer flat",
        "INFO EPOCX-1A2B3C4D: T7 no longer off level",
    ];
    assert_eq!(lines, expected);
}

/// A recording whose contact shows no problem: AF3 at the upper rail, T7 at the lower one, T8
/// stuck.
#[test]
fn a_recording_with_dead_channels_has_them_named() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cortop-files/tests/cases/railed.csv");
    let recording = Recording::read(&file, |_| ()).unwrap();
    let mut own = DecodedHeadset::new("INSIGHT-1A2B3C4D", &["AF3", "T7", "Pz", "T8", "AF4"]);
    for index in 0..4 * u64::from(RATE) {
        let mut sample = SampleWriter::new(Stream::Eeg);
        recording.write(Stream::Eeg, index, SampleContext::default(), &mut sample);
        let sample: Value = serde_json::from_str(&sample.finish("s", 0.0)).unwrap();
        own.send(false, (2..7).map(|place| sample["eeg"][place].as_f64()));
    }
    own.expect(&[("AF3", Railed), ("T7", Railed), ("T8", Flat)]);
}

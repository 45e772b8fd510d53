//! What a sample costs: its message into numbers, its numbers into columns, and both on the way
//! through the decoder with its filters and history. Allocations are counted beside the time.

use std::{hint::black_box, sync::Arc};

use cortop::{
    cortex::{Columns, Feed, Sample, Stream, Subscription, sample::Column as Label},
    signal::{
        View,
        columns::Envelope,
        decoder::Decoder,
        parse::{Record, parse},
        snapshot::Bins,
    },
};
use divan::{AllocProfiler, Bencher};
use tokio::time::Instant;

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

/// A Flex has 32 sensors, an EPOC X 14.
const CHANNELS: [usize; 2] = [14, 32];

fn main() {
    divan::main();
}

fn subscription(channels: usize) -> Arc<Subscription> {
    let labels = ["COUNTER", "INTERPOLATED"].map(str::to_owned).into_iter();
    let labels = labels.chain((0..channels).map(|channel| format!("C{channel}")));
    let labels = labels.chain(["RAW_CQ", "MARKER_HARDWARE", "MARKERS"].map(str::to_owned));
    Arc::new(Subscription {
        session: "s".into(),
        headset: "EPOCX-1A2B3C4D".into(),
        stream: Stream::Eeg,
        columns: Columns(labels.map(Label::One).collect()),
        nominal_rate: Some(256.0),
    })
}

fn value(sample: u32, channel: usize) -> f64 {
    let noise = (sample.wrapping_mul(2_654_435_761) >> 12) % 800;
    4200.0 + f64::from(noise) * 0.128 + channel as f64
}

fn message(channels: usize, sample: u32) -> String {
    let values: Vec<String> =
        (0..channels).map(|channel| format!("{:.3}", value(sample, channel))).collect();
    let values = values.join(",");
    let (counter, time) = (sample % 256, 1_767_942_612.0 + f64::from(sample) / 256.0);
    format!(
        r#"{{"eeg":[{counter},0,{values},0,0,[]],"sid":"866a7ebe-0a6f-4a3c-8a53-1d6b1b1b1b1b","time":{time:.4}}}"#
    )
}

#[divan::bench(args = CHANNELS)]
fn message_into_numbers(bencher: Bencher, channels: usize) {
    let (subscription, text) = (subscription(channels), message(channels, 77));
    let mut record = Record::default();
    bencher.bench_local(move || parse(black_box(&text), &subscription, &mut record).is_ok());
}

#[divan::bench(args = CHANNELS)]
fn sample_into_columns(bencher: Bencher, channels: usize) {
    let bins = Bins { samples: 2560, columns: 200 };
    let mut envelope = Envelope::new(bins, channels, 0);
    let mut sample = vec![0.0; channels];
    bencher.bench_local(move || {
        sample.rotate_left(1);
        envelope.push(black_box(&sample));
    });
}

#[divan::bench]
fn ten_seconds_of_14_channels_into_columns(bencher: Bencher) {
    let bins = Bins { samples: 2560, columns: 200 };
    let samples: Vec<Vec<f32>> = (0_u16..2560)
        .map(|sample| (0..14_u16).map(|channel| f32::from(sample * 31 % (97 + channel))).collect())
        .collect();
    bencher.bench_local(|| {
        let mut envelope = Envelope::new(bins, 14, 0);
        samples.iter().for_each(|sample| envelope.push(sample));
        envelope
    });
}

#[divan::bench(args = CHANNELS)]
fn through_the_decoder(bencher: Bencher, channels: usize) {
    let (subscription, now) = (subscription(channels), Instant::now());
    let view =
        View { session: Some("s".into()), channels: 0..channels, columns: 200, ..View::default() };
    let mut decoder = Decoder::new(view, 64 << 20);
    decoder.push(Feed::Subscribed(Arc::clone(&subscription)), now);
    let mut next = 0;
    bencher
        .with_inputs(|| {
            next += 1;
            let text = message(channels, next).into();
            Feed::Sample(Sample { subscription: Arc::clone(&subscription), text, received: now })
        })
        .bench_local_values(|feed| decoder.push(feed, now));
}

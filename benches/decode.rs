//! The cost of a sample in instructions and allocations: parsing its message, dividing its numbers into
//! columns, and passing them through the decoder with its filters and history.

#[expect(dead_code, reason = "other benches use the rest")]
mod instructions;
mod targets;

use std::{hint::black_box, process::ExitCode, sync::Arc};

use bytestring::ByteString;
use cortop_protocol::{
    Columns, Feed, Sample, SamplePool, Stream, Subscription, envelope::ServerMessage,
    sample::Column as Label,
};
use cortop_signal::{View, columns::Envelope, decoder::Decoder, snapshot::Binning};
use instructions::Work;
use serde_json::Value;
use targets::Targets;
use tokio::time::Instant;

/// A Flex has 32 sensors, an EPOC X 14.
const CHANNELS: [usize; 2] = [14, 32];

/// Few turns and many.
const TURNS: (u32, u32) = (1000, 6000);

/// Maximum instructions for a message or sample, with 14 and with 32 channels; for a message, envelope and
/// values together.
const PARSED: [f64; 2] = [6700.0, 12_200.0];
const PUSHED: [f64; 2] = [185.0, 235.0];
/// The maximum share of the cost of parsing into a tree.
const OF_TREE: f64 = 0.6;

/// Allocations per sample in the decoder: those of the history, in chunks of 1024 samples.
const DECODED_ALLOCATIONS: f64 = 0.1;

fn main() -> ExitCode {
    let mut targets = Targets::default();
    let parsed = CHANNELS.map(|channels| {
        let (subscription, text) =
            (subscription(channels), ByteString::from(message(channels, 77)));
        move |turns| {
            let mut pool = SamplePool::default();
            let now = std::time::Instant::now();
            for _ in 0..turns {
                let text = black_box(&text);
                if let Ok(ServerMessage::Sample(message)) = pool.parse(text) {
                    black_box(pool.sample(Arc::clone(&subscription), &message, text.clone(), now));
                }
            }
        }
    });
    let text = message(CHANNELS[0], 77);
    let tree = |turns| {
        for _ in 0..turns {
            let _ = black_box(into_tree(black_box(&text), &mut Vec::new()));
        }
    };
    let pushed = CHANNELS.map(|channels| {
        let samples = samples(channels);
        move |turns: u32| {
            let mut envelope = Envelope::new(BINS, channels, 0);
            for sample in samples.iter().cycle().take(turns as usize) {
                envelope.push(black_box(sample));
            }
        }
    });
    let work = |name: &str, run| Work { name: name.to_owned(), turns: TURNS, run };
    let decoded = [false, true].map(|spectra| {
        move |turns: u32| {
            let mut viewed = Viewed::new(CHANNELS[0], spectra);
            let feeds: Vec<_> = (0..TURNS.1).map(|number| viewed.sample(number)).collect();
            for feed in feeds.into_iter().take(turns as usize) {
                viewed.decoder.push(black_box(feed), viewed.now);
            }
        }
    });
    let work: [Work<'_>; 7] = [
        work("parse 14", &parsed[0]),
        work("parse 32", &parsed[1]),
        work("tree 14", &tree),
        work("push 14", &pushed[0]),
        work("push 32", &pushed[1]),
        work("decode 14", &decoded[0]),
        work("decode 14 with spectra", &decoded[1]),
    ];
    let Some(costs) = instructions::measure(&work) else { return targets.outcome() };
    if let [parse, parse_32, tree, push, push_32, decode, decode_spectra] = costs[..] {
        for (place, (parse, push)) in [(parse, push), (parse_32, push_32)].into_iter().enumerate() {
            let (channels, parsed, pushed) = (CHANNELS[place], PARSED[place], PUSHED[place]);
            let what = format!("a message of {channels} channels into numbers");
            targets.hold(what, parse, parse.number(), format!("≤ {parsed}"), parsed);
            let what = format!("a sample of {channels} channels into columns ");
            targets.hold(what, push, push.number(), format!("≤ {pushed}"), pushed);
        }
        let share = parse.number() / tree.number();
        let shown = format!("{share:.2}");
        targets.hold("of a message into a tree", shown, share, format!("≤ {OF_TREE}"), OF_TREE);
        println!("a sample of 14 channels through the decoder {decode}");
        println!("the same with spectra, a column a second     {decode_spectra}");
    }
    for (what, run, most) in [
        ("a message into numbers", &parsed[0] as &dyn Fn(u32), 0.0),
        ("a sample into columns", &pushed[0], 0.0),
        ("a sample through the decoder", &decoded[0], DECODED_ALLOCATIONS),
    ] {
        let of = |turns| allocation_counter::measure(|| run(turns)).count_total as f64;
        let each = (of(TURNS.1) - of(TURNS.0)) / f64::from(TURNS.1 - TURNS.0);
        let what = format!("allocations of {what}");
        targets.hold(what, format!("{each:.3}"), each, format!("≤ {most}"), most);
    }
    targets.outcome()
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

fn into_tree(text: &str, numbers: &mut Vec<Option<f64>>) -> usize {
    let tree = serde_json::from_str::<Value>(text).unwrap_or_default();
    numbers.clear();
    numbers.extend(tree["eeg"].as_array().into_iter().flatten().map(Value::as_f64));
    numbers.len()
}

/// Ten seconds at 256 Hz.
fn samples(channels: usize) -> Vec<Vec<f32>> {
    let channels = 0..u16::try_from(channels).unwrap_or(u16::MAX);
    let sample = |at: u16| channels.clone().map(move |channel| f32::from(at * 7 % (97 + channel)));
    (0..2560).map(|at| sample(at).collect()).collect()
}

const BINS: Binning = Binning { samples: 2560, columns: 200 };

/// A decoder whose view shows all channels of a stream.
struct Viewed {
    decoder: Decoder,
    subscription: Arc<Subscription>,
    channels: usize,
    now: Instant,
}

impl Viewed {
    /// A decoder of its traces, or of its spectra with a column per second.
    fn new(channels: usize, spectra: bool) -> Self {
        let (subscription, now) = (subscription(channels), Instant::now());
        let view = View {
            headset: Some("EPOCX-1A2B3C4D".into()),
            channels: (0..channels).collect(),
            columns: if spectra { 10 } else { 200 },
            spectra: spectra.then_some(70.0),
            ..View::default()
        };
        let mut decoder = Decoder::new(view, 64 << 20);
        decoder.push(Feed::Subscribed(Arc::clone(&subscription)), now);
        Self { decoder, subscription, channels, now }
    }

    fn sample(&self, number: u32) -> Feed {
        sample(&self.subscription, self.channels, number, self.now)
    }
}

fn sample(subscription: &Arc<Subscription>, channels: usize, number: u32, now: Instant) -> Feed {
    let text = message(channels, number).into();
    Feed::Sample(Arc::new(Sample::new(Arc::clone(subscription), text, now.into_std())))
}

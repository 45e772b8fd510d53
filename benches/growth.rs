//! The cost of a sample in the decoder with one streaming headset and with many: a second of all streams of
//! each, with and without the frames that show one of them, whose cost a single headset bears alone.

mod instructions;
mod targets;

use std::{hint::black_box, process::ExitCode, sync::Arc, time::Duration};

use bytestring::ByteString;
use cortop_client::{
    Columns, Feed, HeadsetId, Sample, SessionId, Stream, Subscription, sample::Column as Label,
};
use cortop_signal::{View, decoder::Decoder};
use instructions::Work;
use targets::Targets;
use tokio::time::Instant;

const HEADSETS: [usize; 4] = [1, 4, 16, 64];
/// Maximum ratio between the cost of a sample with the most headsets and with one.
const TARGET: f64 = 1.2;
const FRAMES: u32 = 10;
/// Seconds played in the short and the long run: the difference fills one chunk of each history.
const SECONDS: (u32, u32) = (2, 6);

fn main() -> ExitCode {
    let mut targets = Targets::default();
    let messages = messages();
    let samples = messages.len() / SECONDS.1 as usize;
    let runs: Vec<_> = [0, FRAMES]
        .iter()
        .flat_map(|frames| HEADSETS.map(|headsets| (headsets, *frames)))
        .map(|(headsets, frames)| {
            let messages = &messages;
            (headsets, frames, move |seconds| play(headsets, frames, messages, seconds))
        })
        .collect();
    let work: Vec<_> = runs
        .iter()
        .map(|(headsets, frames, run)| Work {
            name: format!("{headsets} headsets, {frames} frames"),
            turns: SECONDS,
            run,
        })
        .collect();
    let Some(costs) = instructions::measure(&work) else { return targets.outcome() };
    println!("a second of {samples} samples a headset and some frames; of it one sample:");
    let shares: Vec<_> = runs
        .iter()
        .zip(costs)
        .map(|((headsets, ..), cost)| cost.share(headsets * samples))
        .collect();
    for (work, cost) in work.iter().zip(&shares) {
        println!("{:>23} {cost}", work.name);
    }
    for (frames, costs) in [0, FRAMES].iter().zip(shares.chunks(HEADSETS.len())) {
        if let [one, .., most] = costs {
            let ratio = most.number() / one.number();
            let what = format!("{frames:2} frames: the last ÷ the first");
            targets.hold(what, format!("{ratio:.3}"), ratio, format!("≤ {TARGET}"), TARGET);
        }
    }
    targets.outcome()
}

/// The streams of an EPOC X, each with its columns and its samples per second.
fn streams() -> Vec<(Stream, Columns, u32)> {
    let columns = |named: &str, numbered: usize| -> Vec<_> {
        let named = named.split_whitespace().map(str::to_owned);
        named.chain((0..numbered).map(|at| format!("C{at}"))).map(Label::One).collect()
    };
    let sensors = (0..14).map(|at| format!("C{at}")).chain(["OVERALL".to_owned()]).collect();
    let mut dev = columns("Battery Signal", 0);
    dev.extend([Label::Group(sensors), Label::One("BatteryPercent".to_owned())]);
    let all = [
        (Stream::Eeg, columns("COUNTER INTERPOLATED", 14), 256),
        (Stream::Mot, columns("COUNTER_MEMS INTERPOLATED_MEMS", 10), 64),
        (Stream::Dev, dev, 2),
        (Stream::Eq, columns("batteryPercent overall sampleRateQuality", 14), 2),
        (Stream::Pow, columns("", 70), 8),
        (Stream::Met, columns("eng.isActive eng str.isActive str", 0), 2),
        (Stream::Com, columns("act pow", 0), 8),
        (Stream::Fac, columns("eyeAct uAct uPow lAct lPow", 0), 32),
        (Stream::Sys, columns("event msg", 0), 1),
    ];
    all.map(|(stream, columns, rate)| (stream, Columns(columns), rate)).to_vec()
}

/// What each headset sends: index of the stream in [`streams`], time since the start, text.
type Message = (usize, Duration, ByteString);

/// The first seconds of any headset, in order of time.
fn messages() -> Vec<Message> {
    let mut messages = Vec::new();
    for (place, (stream, columns, rate)) in streams().into_iter().enumerate() {
        for index in 0..rate * SECONDS.1 {
            let seconds = f64::from(index) / f64::from(rate);
            let values: Vec<_> =
                columns.0.iter().map(|column| value(column, index, rate)).collect();
            let values = values.join(",");
            let time = 1_767_942_612.0 + seconds;
            let text = format!(
                r#"{{"{stream}":[{values}],"sid":"866a7ebe-0a6f-4a3c-8a53-1d6b1b1b1b1b","time":{time:.4}}}"#
            );
            messages.push((place, Duration::from_secs_f64(seconds), text.into()));
        }
    }
    messages.sort_by_key(|&(_, at, _)| at);
    messages
}

fn value(column: &Label, index: u32, rate: u32) -> String {
    let label = match column {
        Label::One(label) => label.as_str(),
        Label::Group(labels) => {
            let levels: Vec<_> = labels.iter().map(|_| "4").collect();
            return format!("[{}]", levels.join(","));
        }
    };
    match label {
        "COUNTER" | "COUNTER_MEMS" => (index % rate).to_string(),
        "INTERPOLATED" | "INTERPOLATED_MEMS" => "0".to_owned(),
        "act" | "eyeAct" | "uAct" | "lAct" | "event" | "msg" => r#""neutral""#.to_owned(),
        label if label.ends_with("isActive") => "true".to_owned(),
        _ => format!("{:.3}", 4200.0 + f64::from(index.wrapping_mul(2_654_435_761) >> 12) * 1e-4),
    }
}

/// Feeds the messages of so many seconds and headsets, and takes `frames` snapshots per second.
fn play(headsets: usize, frames: u32, messages: &[Message], seconds: u32) {
    let start = Instant::now();
    let session =
        |headset: usize| SessionId::from(format!("{headset:08}-0000-4000-8000-000000000000"));
    let view = View {
        headset: Some(HeadsetId::from("EPOCX-00000000")),
        channels: (0..14).collect(),
        columns: 200,
        ..View::default()
    };
    let mut decoder = Decoder::new(view, 256 << 20);
    let subscriptions: Vec<Vec<_>> = (0..headsets)
        .map(|headset| {
            let subscription = |(stream, columns, rate)| {
                Arc::new(Subscription {
                    session: session(headset),
                    headset: HeadsetId::from(format!("EPOCX-{headset:08X}")),
                    stream,
                    columns,
                    nominal_rate: (stream != Stream::Sys).then_some(f64::from(rate)),
                })
            };
            streams().into_iter().map(subscription).collect()
        })
        .collect();
    for subscription in subscriptions.iter().flatten() {
        decoder.push(Feed::Subscribed(Arc::clone(subscription)), start);
    }
    let mut next_frame = Duration::ZERO;
    let end = Duration::from_secs(seconds.into());
    for (stream, at, text) in messages.iter().take_while(|&&(_, at, _)| at < end) {
        let received = start + *at;
        for streams in &subscriptions {
            let subscription = Arc::clone(&streams[*stream]);
            let sample = Sample::new(subscription, text.clone(), received.into_std());
            decoder.push(Feed::Sample(Arc::new(sample)), received);
        }
        if frames > 0 && *at >= next_frame {
            black_box(decoder.snapshot(received));
            next_frame += Duration::from_secs(1) / frames;
        }
    }
}

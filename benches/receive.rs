//! The cost of receiving a message when it is due: 256 messages of 14 channels a second, from the socket to
//! the decoder's queue, by a client with the monitor's requests, and from there through the filters into the
//! columns of a view. The service is another process, so that it is not counted.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has failed")]

#[expect(dead_code, reason = "other benches use the rest")]
mod instructions;
mod targets;

use std::{env, process::ExitCode, sync::mpsc, thread};

use cortop_client::{Client, ClientConfig, Feed, HeadsetId, Stream, feed, model::Model};
use cortop_signal::{View, decoder::Decoder};
use cortop_sim::{Options, Sim, headset_config::HeadsetConfig};
use instructions::Work;
use targets::Targets;
use tokio::{
    runtime::{Builder, Runtime},
    time::Instant,
};

/// Messages: two seconds, and twelve.
const TURNS: (u32, u32) = (2 * 256, 12 * 256);
/// Maximum instructions per message to the decoder's queue, and all the way into columns.
const RECEIVED: f64 = 20_000.0;
const INTO_COLUMNS: f64 = 24_000.0;

fn main() -> ExitCode {
    let mut targets = Targets::default();
    // The work is named after its service, so that its process knows where to connect.
    let url = env::args().find(|arg| arg.starts_with("ws:")).unwrap_or_else(service);
    let url = url.split(' ').next().unwrap_or_default();
    let into_queue = |turns| runtime().block_on(receive(url, turns, None));
    let into_columns = |turns| runtime().block_on(receive_into_columns(url, turns));
    let work = [
        Work { name: url.to_owned(), turns: TURNS, run: &into_queue },
        Work { name: format!("{url} into columns"), turns: TURNS, run: &into_columns },
    ];
    let Some(costs) = instructions::measure(&work) else { return targets.outcome() };
    for ((cost, most), what) in costs
        .into_iter()
        .zip([RECEIVED, INTO_COLUMNS])
        .zip(["a message received at 256 Hz", "a message from the socket into columns"])
    {
        targets.hold(what, cost, cost.number(), format!("≤ {most}"), most);
    }
    targets.outcome()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Starts a service; returns its URL.
fn service() -> String {
    let (told, url) = mpsc::channel();
    thread::spawn(move || {
        runtime().block_on(async {
            let headset =
                HeadsetConfig { eeg_rate: Some(256), ..HeadsetConfig::from(Model::EpocX) };
            let options = Options { headsets: vec![headset], ..Options::default() };
            let sim = Sim::start(options).await.expect("a service");
            told.send(sim.url()).expect("somebody listens");
            std::future::pending::<()>().await;
        });
    });
    url.recv().expect("a service")
}

/// Receives messages, and passes them to a decoder if there is one.
async fn receive(url: &str, turns: u32, mut decoder: Option<Decoder>) {
    let config = ClientConfig::new("bench", "bench").url(url).streams([Stream::Eeg]);
    let (samples, mut feed) = feed();
    let Client { mut events, commands: _commands, .. } = Client::spawn(config, samples);
    let mut left = turns;
    while left > 0 {
        tokio::select! {
            item = feed.queue.recv() => {
                let item = item.expect("the client runs");
                left -= u32::from(matches!(item, Feed::Sample(_)));
                if let Some(decoder) = &mut decoder {
                    if let Feed::Subscribed(subscription) = &item {
                        decoder.set_view(view(subscription.headset.clone()));
                    }
                    decoder.push(item, Instant::now());
                }
            }
            event = events.recv() => {
                event.expect("the client runs");
            }
        }
    }
}

async fn receive_into_columns(url: &str, turns: u32) {
    receive(url, turns, Some(Decoder::new(View::default(), 64 << 20))).await;
}

/// Ten seconds of all channels with the usual filters.
fn view(headset: HeadsetId) -> View {
    View { headset: Some(headset), channels: (0..14).collect(), columns: 200, ..View::default() }
}

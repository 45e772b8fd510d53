//! What it costs to receive a message that comes when it is due: 256 of 14 channels a second, from
//! the socket to the decoder's queue, by a client that asks what the monitor's asks. The service is
//! another process, so that it is not counted.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has failed")]

#[expect(dead_code, reason = "other benches use the rest")]
mod instructions;
mod targets;

use std::{env, process::ExitCode, sync::mpsc, thread};

use cortop_client::{Client, Config, Feed, Stream, feed, model::Model};
use cortop_sim::{Options, Sim, headset_config::HeadsetConfig};
use instructions::Work;
use targets::Targets;
use tokio::runtime::{Builder, Runtime};

/// Messages: two seconds, and twelve.
const TURNS: (u32, u32) = (2 * 256, 12 * 256);
/// Instructions a message may take.
const TARGET: f64 = 20_000.0;

fn main() -> ExitCode {
    let mut targets = Targets::default();
    // The work is named by its service, so that the process that does it knows where to ask.
    let url = env::args().find(|arg| arg.starts_with("ws:")).unwrap_or_else(service);
    let run = |turns| runtime().block_on(receive(&url, turns));
    let Some(costs) = instructions::measure(&[Work { name: url.clone(), turns: TURNS, run: &run }])
    else {
        return targets.outcome();
    };
    for cost in costs {
        let target = format!("≤ {TARGET}");
        targets.hold("a message received at 256 Hz", cost, cost.number(), target, TARGET);
    }
    targets.outcome()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Starts a service; its URL.
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

/// Receives so many messages.
async fn receive(url: &str, turns: u32) {
    let config = Config::new("bench", "bench").url(url).streams([Stream::Eeg]);
    let (samples, mut feed) = feed();
    let Client { mut events, commands: _commands, .. } = Client::spawn(config, samples);
    let mut left = turns;
    while left > 0 {
        tokio::select! {
            told = feed.queue.recv() => {
                left -= u32::from(matches!(told, Some(Feed::Sample(_))));
            }
            event = events.recv() => {
                event.expect("the client runs");
            }
        }
    }
}

//! The monitor, client and decoder, against a service with faults: it reports what is wrong, is not misled,
//! and streams again.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod cases;

use std::{sync::Arc, time::Duration};

use cases::{Case, When};
use cortop::monitor::Monitor;
use cortop_client::{Event, Link, Stream, model::Model};
use cortop_signal::{
    decoder,
    snapshot::{Snapshot, StreamHealth},
};
use cortop_sim::{Delays, Injection, Sim, fault, scenario::Scenario, tls::Tls};
use futures_util::future::join_all;
use tokio::time::{sleep, timeout};

/// Generous: the machine may be busy, and a dead service is given up only after 10 s.
const PATIENCE: Duration = Duration::from_secs(60);

/// A monitor connected to a service, and what it has reported.
struct WatchedMonitor {
    sim: Sim,
    monitor: Monitor,
    said: Vec<String>,
    _folder: tempfile::TempDir,
}

impl WatchedMonitor {
    async fn start(scenario: Vec<Injection>, tls: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("root.pem");
        let tls = tls.then(|| Arc::new(Tls::new(&[]).expect("certificates")));
        if let Some(tls) = &tls {
            std::fs::write(&root, &tls.root_pem).expect("written");
        }
        let soon = Duration::from_millis(200);
        let delays = Delays { connect: soon, silence: soon, ..Delays::default() };
        let ca_file = tls.is_some().then_some(root);
        let options = cortop_sim::Options {
            scenario,
            tls,
            delays,
            ..cortop_sim::Options::demo(Model::Insight, 1, 3)
        };
        let sim = Sim::start(options).await.expect("the simulator starts");
        let config = cortop_client::ClientConfig::new("faults", "faults")
            .url(sim.url())
            .ca_file(ca_file)
            .streams([Stream::Eeg, Stream::Dev, Stream::Met]);
        let monitor = Monitor::start(
            config,
            decoder::Limits { frame: Duration::from_millis(50), history: 64 << 20 },
        );
        Self { sim, monitor, said: Vec::new(), _folder: folder }
    }

    /// Reads what has been reported since.
    fn listen(&mut self) {
        while let Ok(event) = self.monitor.channels.events.try_recv() {
            self.said.extend(told(&event));
        }
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.monitor.channels.snapshots.borrow().clone()
    }

    /// The newest `eeg`, or what flows without a licence.
    fn newest(&self, stream: Stream) -> Option<StreamHealth> {
        let snapshot = self.snapshot();
        let own = snapshot.health.iter().filter(|health| health.stream == stream);
        own.max_by_key(|health| health.subscribed).cloned()
    }

    /// Waits for a condition; keeps what is reported meanwhile.
    async fn wait(
        &mut self,
        what: &str,
        mut wanted: impl FnMut(&Self) -> bool,
    ) -> Result<(), String> {
        let waiting = async {
            loop {
                self.listen();
                if wanted(self) {
                    return;
                }
                // There are two sources to wait for, and 20 ms make nothing late.
                sleep(Duration::from_millis(20)).await;
            }
        };
        let came = timeout(PATIENCE, waiting).await;
        came.map_err(|_| {
            let flows = [self.newest(Stream::Eeg), self.newest(Stream::Dev)];
            format!("{what}: never came after {:#?}\n{flows:?}", self.said)
        })
    }

    /// Waits until more samples arrive.
    async fn streams(&mut self) -> Result<(), String> {
        let received =
            |own: &Self| own.newest(Stream::Dev).map(|dev| (dev.subscribed, dev.received));
        let before = received(self);
        self.wait("samples", |own| {
            let step = own.said.iter().rev().find(|said| said.starts_with("step: "));
            let more = match (before, received(own)) {
                (Some((then, few)), Some((now, more))) => now != then || more >= few + 2,
                // Before the first sample nothing can be lost.
                (before, now) => before.is_none() && now.is_some_and(|(_, more)| more > 0),
            };
            more && step.is_some_and(|step| step == "step: streaming")
        })
        .await
    }
}

/// The report in an event, if it matters here.
fn told(event: &Event) -> Option<String> {
    match event {
        Event::Link(Link::Waiting { error, .. }) => Some(format!("no connection: {error}")),
        Event::Link(Link::Up { step, security }) => match security {
            cortop_client::Security::Plain | cortop_client::Security::Verified => {
                Some(format!("step: {step}"))
            }
            other if step.to_string() == "connected" => Some(format!("{other:?}")),
            _ => Some(format!("step: {step}")),
        },
        Event::Opened { mode, why, .. } => Some(format!("opened: {mode}: {why}")),
        Event::Closed { why, .. } => Some(format!("closed: {why}")),
        Event::Warning(warning) => Some(format!("warning {}: {}", warning.code, warning.text())),
        Event::Refused(refusal) => Some(format!("refused: {refusal}")),
        _ => None,
    }
}

fn order(text: &str) -> Injection {
    let scenario: Scenario = toml::from_str(&format!("[[fault]]\n{text}")).expect(text);
    let mut order = scenario.injections.into_iter().next().expect("one order");
    // A fault that counts samples has to count those that are observed.
    order.stream = Some(Stream::Eeg);
    order
}

async fn tell(case: &Case, tls: bool) -> Result<(), String> {
    let scenario = (case.when == When::Starting).then(|| order(case.order));
    let mut watched = WatchedMonitor::start(scenario.into_iter().collect(), tls).await;
    if case.when == When::Streaming {
        watched.streams().await?;
        watched.sim.control().inject(order(case.order));
    }
    let mut from = 0;
    for &wanted in case.says {
        let mut found = None;
        let says = |own: &WatchedMonitor| {
            found = own.said.iter().skip(from).position(|text| text.contains(wanted));
            found.is_some()
        };
        watched.wait(wanted, says).await?;
        from += found.unwrap_or_default() + 1;
    }
    // Some faults leave no connection, and so nothing to observe.
    let fits = |own: &WatchedMonitor| own.newest(Stream::Eeg).is_none_or(|eeg| (case.eeg)(&eeg));
    watched.wait("the right samples", fits).await?;
    for undo in case.undo {
        watched.sim.control().inject(order(undo));
    }
    watched.streams().await?;
    let WatchedMonitor { monitor, sim, .. } = watched;
    monitor.stop().await;
    sim.stop().await;
    Ok(())
}

/// All at once, as most of it is waiting.
async fn tell_all(cases: &[Case], tls: bool) {
    let telling = cases.iter().map(|case| async move {
        tell(case, tls).await.map_err(|why| format!("{}\n{why}", case.order))
    });
    let failed: Vec<_> = join_all(telling).await.into_iter().filter_map(Result::err).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[tokio::test]
async fn the_link() {
    tell_all(cases::LINK, false).await;
}

#[tokio::test]
async fn answers() {
    tell_all(cases::ANSWERS, false).await;
}

#[tokio::test]
async fn samples() {
    tell_all(cases::SAMPLES, false).await;
}

#[tokio::test]
async fn account_and_headset() {
    tell_all(cases::STATE, false).await;
}

#[tokio::test]
async fn certificates() {
    tell_all(cases::TLS, true).await;
}

#[test]
fn every_fault_is_used() {
    let all = [cases::LINK, cases::ANSWERS, cases::SAMPLES, cases::STATE, cases::TLS];
    let all: Vec<_> = all.iter().copied().flatten().collect();
    for (example, _) in fault::LIST {
        let name = example.split(' ').next().expect("a name");
        let this = |order: &&str| order.contains(&format!("do.{name} "));
        let used = all.iter().any(|case| this(&case.order) || case.undo.iter().any(this));
        assert!(used, "{name} is not used");
    }
}

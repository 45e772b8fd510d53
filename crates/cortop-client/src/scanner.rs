//! Scans for headsets (§2.5): one scan at a time; its start and end are events.

use std::time::Duration;

use serde_json::json;
use tokio::{task::JoinSet, time::Instant};

use super::{
    Event,
    context::{Context, TaskReport},
};
use cortop_protocol::Method;

/// A scan takes about 20 s. If its end is not reported (warning 142), it counts as over after this
/// time.
const LONGEST: Duration = Duration::from_secs(25);

/// Between the end of a scan and the next automatic one.
const PAUSE: Duration = Duration::from_secs(5);

/// The scans of one connection.
#[derive(Default)]
pub(super) struct Scanner {
    /// When the running scan began.
    running: Option<Instant>,
    /// When the last one ended.
    ended: Option<Instant>,
}

impl Scanner {
    /// Starts a scan unless one is running.
    pub(super) async fn start(&mut self, context: &Context, tasks: &mut JoinSet<()>) {
        if self.running.is_none() {
            self.running = Some(Instant::now());
            context.events.send(Event::Scan(true)).await;
            tasks.spawn(ask(context.clone()));
        }
    }

    /// Ends the running scan.
    pub(super) async fn end(&mut self, context: &Context) {
        if self.running.take().is_some() {
            self.ended = Some(Instant::now());
            context.events.send(Event::Scan(false)).await;
        }
    }

    /// Whether an automatic scan is due; ends one that has run too long.
    pub(super) async fn is_due(&mut self, context: &Context) -> bool {
        if self.running.is_some_and(|since| since.elapsed() > LONGEST) {
            self.end(context).await;
        }
        self.running.is_none() && self.ended.is_none_or(|ended| ended.elapsed() > PAUSE)
    }
}

async fn ask(context: Context) {
    if let Err(failure) = context.ask(Method::ControlDevice, json!({"command": "refresh"})).await {
        context.events.send_error(failure).await;
        context.report(TaskReport::NotScanning).await;
    }
}

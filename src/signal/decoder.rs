//! The decoder task: follows the view it is told and publishes that view's snapshot.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinHandle};

use super::{Snapshot, View};
use crate::cortex::sample::FeedReceiver;

/// Limits of the decoder.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Shortest time between two snapshots.
    pub frame: Duration,
    /// Bytes of history for all headsets together; the oldest goes first.
    pub history: usize,
}

/// Starts the decoder on the current runtime. It ends when the feed is closed.
#[must_use]
pub fn spawn(
    feed: FeedReceiver,
    view: watch::Receiver<View>,
    config: Config,
) -> (watch::Receiver<Arc<Snapshot>>, JoinHandle<()>) {
    let _ = (feed, view, config);
    todo!()
}

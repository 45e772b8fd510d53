//! A client that looks around without a screen: runs until it has come far enough, or is stuck.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::walk::Walk;
use crate::check::{Check, Trouble};
use crate::{config::DEFAULT_HISTORY, monitor::Monitor};
use cortop_client::{Command, Config};
use cortop_signal::{Snapshot, decoder};

/// Between two pictures of how the streams flow.
const FRAME: Duration = Duration::from_millis(200);

/// A client that looks around.
pub(crate) struct Visit {
    monitor: Monitor,
    pub(crate) walk: Walk,
}

impl Visit {
    pub(crate) fn new(config: Config) -> Self {
        let limits = decoder::Limits { frame: FRAME, history: DEFAULT_HISTORY };
        Self { monitor: Monitor::look(config, limits), walk: Walk::default() }
    }

    /// Goes on until `done` gives something.
    ///
    /// # Errors
    /// What stands in the way: at once if only the user can mend it, else when the patience ends.
    pub(crate) async fn until<T>(
        &mut self,
        patience: Duration,
        mut done: impl FnMut(&Walk) -> Option<T>,
    ) -> Result<T, Trouble> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(done) = done(&self.walk) {
                return Ok(done);
            }
            if let Some(trouble) = self.walk.trouble() {
                return Err(trouble);
            }
            if !self.hear(deadline).await? {
                return Err(self.walk.waiting_for());
            }
        }
    }

    /// Only listens for a while.
    ///
    /// # Errors
    /// The client is stuck meanwhile.
    pub(crate) async fn rest(&mut self, time: Duration) -> Result<(), Trouble> {
        let deadline = Instant::now() + time;
        while self.hear(deadline).await? {
            if let Some(trouble) = self.walk.trouble() {
                return Err(trouble);
            }
        }
        Ok(())
    }

    /// Takes note of the next event; false if none came in time.
    async fn hear(&mut self, deadline: Instant) -> Result<bool, Trouble> {
        match timeout_at(deadline, self.monitor.channels.events.recv()).await {
            Ok(Some(event)) => {
                self.walk.hear(event);
                Ok(true)
            }
            Ok(None) => {
                let next = "look into the log (--log-file FILE)";
                Err(Trouble::new(Check::Service, "the client has ended", next))
            }
            Err(_) => Ok(false),
        }
    }

    /// Asks something of the client.
    pub(crate) async fn order(&self, command: Command) {
        // A client that has ended says so by the end of its events.
        let _ = self.monitor.channels.commands.send(command).await;
    }

    /// How the streams flow now.
    pub(crate) fn snapshot(&self) -> std::sync::Arc<Snapshot> {
        self.monitor.channels.snapshots.borrow().clone()
    }

    /// Closes what was opened and ends.
    pub(crate) async fn end(self) {
        self.monitor.stop().await;
    }
}

//! A client without a screen that connects no headset on its own: runs until it is far enough, or stuck.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::client_state::ClientState;
use crate::stage::{Failure, Stage};
use crate::{config::DEFAULT_HISTORY, monitor::Monitor};
use cortop_client::{ClientConfig, Command};
use cortop_signal::{Snapshot, decoder};

/// Time between two snapshots of the streams.
const FRAME: Duration = Duration::from_millis(200);

/// A client and its progress.
pub(crate) struct ProbeSession {
    monitor: Monitor,
    pub(crate) state: ClientState,
}

impl ProbeSession {
    pub(crate) fn new(config: ClientConfig) -> Self {
        let limits = decoder::Limits { frame: FRAME, history: DEFAULT_HISTORY };
        Self { monitor: Monitor::start_passive(config, limits), state: ClientState::default() }
    }

    /// Runs until `done` returns a value.
    ///
    /// # Errors
    /// The failure: at once if only the user can fix it, else when `patience` has run out.
    pub(crate) async fn wait_until<T>(
        &mut self,
        patience: Duration,
        mut done: impl FnMut(&ClientState) -> Option<T>,
    ) -> Result<T, Failure> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(done) = done(&self.state) {
                return Ok(done);
            }
            if let Some(failure) = self.state.failure() {
                return Err(failure);
            }
            if !self.next_event(deadline).await? {
                return Err(self.state.waiting_for());
            }
        }
    }

    /// Handles events for a while.
    ///
    /// # Errors
    /// The client is stuck.
    pub(crate) async fn listen(&mut self, time: Duration) -> Result<(), Failure> {
        let deadline = Instant::now() + time;
        while self.next_event(deadline).await? {
            if let Some(failure) = self.state.failure() {
                return Err(failure);
            }
        }
        Ok(())
    }

    /// Handles the next event; false if none came in time.
    async fn next_event(&mut self, deadline: Instant) -> Result<bool, Failure> {
        match timeout_at(deadline, self.monitor.channels.events.recv()).await {
            Ok(Some(event)) => {
                self.state.on_event(event);
                Ok(true)
            }
            Ok(None) => {
                let next = "see the log (--log-file FILE)";
                Err(Failure::new(Stage::Service, "the client has ended", next))
            }
            Err(_) => Ok(false),
        }
    }

    /// Sends the client a command.
    pub(crate) async fn send(&self, command: Command) {
        // If the client has ended, the end of its events reports that.
        let _ = self.monitor.channels.commands.send(command).await;
    }

    /// The newest snapshot of the streams.
    pub(crate) fn snapshot(&self) -> std::sync::Arc<Snapshot> {
        self.monitor.channels.snapshots.borrow().clone()
    }

    /// Closes the sessions it opened, and the client.
    pub(crate) async fn close(self) {
        self.monitor.stop().await;
    }
}

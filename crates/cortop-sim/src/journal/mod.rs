//! What clients do: connections, requests and their answers, sessions, subscriptions, samples, and
//! [advice](Advice) on their mistakes. Derived from the messages that cross the socket, so that the
//! simulator and a proxy in front of a real service keep the same journal. Bounded, and without
//! secrets: of the parameters, only those that name a headset, a session or the like are kept.
//!
//! ```text
//! state         the state: messages in, entries out
//!  ├─ crossing    the messages, parsed
//!  ├─ advice      a state machine: crossings in, advice out
//!  └─ entry       what is kept of them, and its JSON form
//! expectations  what clients are expected to do: entries in, what is missing out
//! ```

mod advice;
mod crossing;
mod entry;
mod expectations;
mod sample_count;
mod state;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::{sync::watch, time::sleep};

pub(crate) use self::sample_count::SampleCount;
use self::state::State;
pub use self::{
    advice::{Advice, Mistake},
    crossing::Refusal,
    entry::{Entry, JournalEvent, SessionEnd},
    expectations::Expectations,
};
use crate::Injection;
use cortop_protocol::{HeadsetId, SessionId, wire::Side};

/// A client, connected or gone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClientSummary {
    /// Its number, counted from 1 in order of connection.
    pub number: u64,
    /// When it connected, in seconds since the journal began.
    pub since: f64,
    /// When it left.
    pub until: Option<f64>,
    /// The number of its requests so far.
    pub requests: u64,
    /// How many of them were refused.
    pub refused: u64,
    /// Samples sent to it, by stream.
    pub sent: BTreeMap<&'static str, u64>,
    /// Samples dropped because it did not read.
    pub dropped: u64,
}

/// A live session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSession {
    /// Its id.
    pub id: SessionId,
    /// The client that created it.
    pub client: u64,
    /// Its headset.
    pub headset: HeadsetId,
    /// `opened` or `activated`.
    pub status: String,
    /// The streams that are being sent.
    pub streams: Vec<String>,
}

/// A handle on the journal; cheap to clone.
#[derive(Clone)]
pub struct Journal {
    state: Arc<Mutex<State>>,
    changed: watch::Sender<()>,
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").finish_non_exhaustive()
    }
}

impl Default for Journal {
    fn default() -> Self {
        Self::new()
    }
}

impl Journal {
    /// An empty journal that begins now.
    #[must_use]
    pub fn new() -> Self {
        Self { state: Arc::new(Mutex::new(State::new())), changed: watch::Sender::new(()) }
    }

    /// A client has connected.
    pub fn connected(&self, client: u64) {
        self.change(|state, at| state.connected(client, at));
    }

    /// A client has sent a message.
    pub fn received(&self, client: u64, text: &str) {
        self.change(|state, at| state.received(client, at, text));
    }

    /// The service has sent a message, whether a sample or not.
    pub fn sent(&self, client: u64, text: &str) {
        self.change(|state, at| state.sent(client, at, text));
    }

    /// Samples were handed to a client's socket, or dropped.
    pub(super) fn sampled(&self, client: u64, samples: &SampleCount) {
        if !samples.is_empty() {
            self.change(|state, at| state.sampled(client, at, samples));
        }
    }

    /// A client could not connect, usually because it does not trust the certificate.
    pub fn handshake_failed(&self, client: u64, error: &io::Error) {
        // It only checked whether something is listening.
        if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) {
            return;
        }
        let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
        let text = match cause {
            Some(rustls::Error::AlertReceived(_)) => {
                format!("is the root of --ca-out trusted? (TLS: {error})")
            }
            Some(rustls::Error::InvalidMessage(_)) => {
                format!("it speaks no TLS: connect with wss:// ({error})")
            }
            _ => format!("TLS: {error}"),
        };
        self.change(|state, at| state.handshake_failed(client, at, &text));
    }

    /// Tells the journal the headsets of the service before a client has asked for them.
    pub fn has_headsets<'a>(&self, ids: impl IntoIterator<Item = &'a HeadsetId>) {
        self.lock().has_headsets(ids.into_iter().map(|id| id.as_str().to_owned()).collect());
    }

    /// A fault was injected.
    pub(super) fn injected(&self, injection: Injection) {
        self.change(|state, at| state.injected(at, injection));
    }

    /// A client has not read its socket for some time.
    pub fn unread(&self, client: u64, time: Duration) {
        self.change(|state, at| state.unread(client, at, time.as_secs_f64()));
    }

    /// A connection has ended.
    pub fn disconnected(&self, client: u64, by: Side) {
        self.change(|state, at| state.disconnected(client, at, by));
    }

    /// The entries so far; the oldest may have been dropped.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().entries.iter().cloned().collect()
    }

    /// The names of the methods called so far, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        let state = self.lock();
        let calls = state.entries.iter().filter_map(|entry| match &entry.event {
            JournalEvent::Request { method, .. } => Some(method.clone()),
            _ => None,
        });
        calls.collect()
    }

    /// The advice given so far.
    #[must_use]
    pub fn advice(&self) -> Vec<Advice> {
        let mut state = self.lock();
        state.advance();
        let advice = state.entries.iter().filter_map(|entry| match &entry.event {
            JournalEvent::Advice(advice) => Some(advice.clone()),
            _ => None,
        });
        advice.collect()
    }

    /// The clients, newest last.
    #[must_use]
    pub fn clients(&self) -> Vec<ClientSummary> {
        self.lock().clients.values().map(|own| own.shown.clone()).collect()
    }

    /// The live sessions.
    #[must_use]
    pub fn sessions(&self) -> Vec<OpenSession> {
        self.lock().sessions.values().cloned().collect()
    }

    /// Seconds since the journal began.
    #[must_use]
    pub fn now(&self) -> f64 {
        self.lock().started.elapsed().as_secs_f64()
    }

    /// The wall-clock time of an entry.
    #[must_use]
    pub fn moment(&self, at: f64) -> Timestamp {
        let since = SignedDuration::try_from_secs_f64(at).unwrap_or_default();
        let epoch = self.lock().epoch;
        epoch.checked_add(since).unwrap_or(epoch)
    }

    /// An entry as a flat JSON object.
    #[must_use]
    pub fn json(&self, entry: &Entry) -> Value {
        entry.to_json(&self.moment(entry.at).strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string())
    }

    /// A reader that starts with the first entry.
    #[must_use]
    pub fn reader(&self) -> JournalReader {
        JournalReader {
            changed: self.changed.subscribe(),
            journal: self.clone(),
            seen: 0,
            missed: 0,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State, f64)) {
        let mut state = self.lock();
        let before = state.count;
        let at = state.advance();
        change(&mut state, at);
        let is_changed = state.count != before;
        drop(state);
        if is_changed {
            self.changed.send_replace(());
        }
    }
}

/// Returns every entry once, in order.
#[derive(Debug)]
pub struct JournalReader {
    journal: Journal,
    changed: watch::Receiver<()>,
    /// The number of the last entry returned.
    seen: u64,
    /// Entries that were dropped before they could be read.
    pub missed: u64,
}

impl JournalReader {
    /// The entries since the last call.
    pub fn take(&mut self) -> Vec<Entry> {
        let mut state = self.journal.lock();
        state.advance();
        let oldest = state.entries.front().map_or(0, |entry| entry.number);
        self.missed += oldest.saturating_sub(self.seen + 1);
        let new = state.entries.iter().filter(|entry| entry.number > self.seen);
        let new: Vec<_> = new.cloned().collect();
        self.seen = state.count;
        new
    }

    /// Waits for entries.
    pub async fn next(&mut self) -> Vec<Entry> {
        /// Some advice follows from a step that is never taken.
        const LOOK: Duration = Duration::from_secs(1);
        loop {
            self.changed.mark_unchanged();
            let new = self.take();
            if !new.is_empty() {
                return new;
            }
            tokio::select! {
                changed = self.changed.changed() => if changed.is_err() {
                    // Cannot happen: the reader's own journal holds the sender.
                    std::future::pending::<()>().await;
                },
                () = sleep(LOOK) => {}
            }
        }
    }
}

//! What clients do: connections, requests and their answers, sessions, subscriptions, samples, and
//! [advice](Advice) on what they do wrong. It is read off the messages as they cross the socket, so
//! that the simulator and a proxy before a real service keep the same journal. Bounded, and without
//! secrets: parameters are kept only where they name a headset, a session or the like.
//!
//! ```text
//! crossing      the messages, read
//!  ├─ advice      a state machine: crossings in, advice out
//!  └─ entry       what is kept of them, and its JSON
//! expectations  what clients are expected to do: entries in, what is missing out
//! ```

mod advice;
mod crossing;
mod entry;
mod expectations;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use self::{
    advice::Advisor,
    crossing::{ClientRequest, Crossing, CrossingEvent},
};
pub use self::{
    advice::{Advice, Mistake},
    crossing::{Refusal, Side},
    entry::{Entry, JournalEvent, SessionEnd},
    expectations::Expectations,
};
use cortop_protocol::{
    HeadsetId, Method, SessionId, Stream, Warning,
    code::warning::{SESSION_CLOSED, STREAMS_STOPPED},
    envelope::ServerMessage,
    sanitize::clean_bounded,
    secrets::Secrets,
};

/// Entries kept; the oldest go first.
const MAX_ENTRIES: usize = 4096;
/// Clients kept, those that are gone included.
const MAX_CLIENTS: usize = 256;
/// Requests of a client that may wait for their answers.
const MAX_PENDING: usize = 256;
/// Sessions known at a time.
const MAX_SESSIONS: usize = 1024;
/// Seconds between two entries that count a client's samples.
const SAMPLES_EVERY: f64 = 10.0;
/// Stands for a stream that nobody knows.
const OTHER: &str = "other";

/// A client, connected or gone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClientSummary {
    /// Clients count from 1 as they connect.
    pub number: u64,
    /// When it connected, in seconds since the journal began.
    pub since: f64,
    /// When it went.
    pub until: Option<f64>,
    /// Its requests so far.
    pub requests: u64,
    /// Those that were refused.
    pub refused: u64,
    /// Samples sent to it, by stream.
    pub sent: BTreeMap<&'static str, u64>,
    /// Samples thrown away because it did not read.
    pub dropped: u64,
}

/// A session that lives.
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
    /// The streams that are sent.
    pub streams: Vec<String>,
}

/// Samples that were handed to a socket, or thrown away.
#[derive(Debug, Default)]
pub(super) struct SampleCount {
    /// By the streams' order, then those of unknown streams.
    sent: [u64; Stream::ALL.len() + 1],
    dropped: u64,
}

impl SampleCount {
    /// Counts the text of a sample.
    pub(super) fn count(&mut self, text: &str, is_sent: bool) {
        if !is_sent {
            self.dropped += 1;
            return;
        }
        let name = text.split('"').nth(1).unwrap_or_default();
        let place = Stream::ALL.iter().position(|stream| stream.name() == name);
        self.sent[place.unwrap_or(Stream::ALL.len())] += 1;
    }

    fn is_empty(&self) -> bool {
        self.dropped == 0 && self.sent.iter().all(|count| *count == 0)
    }

    fn by_stream(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let names = Stream::ALL.iter().map(|stream| stream.name()).chain([OTHER]);
        names.zip(self.sent).filter(|(_, count)| *count > 0)
    }
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
    /// An empty one, that begins now.
    #[must_use]
    pub fn new() -> Self {
        let state = State {
            started: Instant::now(),
            epoch: Timestamp::now(),
            entries: VecDeque::new(),
            count: 0,
            clients: BTreeMap::new(),
            sessions: BTreeMap::new(),
            advisor: Advisor::default(),
            secrets: Secrets::default(),
            numbers: Vec::new(),
        };
        Self { state: Arc::new(Mutex::new(state)), changed: watch::Sender::new(()) }
    }

    /// A client has connected.
    pub fn connected(&self, client: u64) {
        self.change(|state, at| state.connected(client, at));
    }

    /// A client has sent a message.
    pub fn received(&self, client: u64, text: &str) {
        self.change(|state, at| state.received(client, at, text));
    }

    /// The service has sent a message, sample or other.
    pub fn sent(&self, client: u64, text: &str) {
        self.change(|state, at| state.sent(client, at, text));
    }

    /// Samples were handed to a client's socket, or dropped.
    pub(super) fn sampled(&self, client: u64, samples: &SampleCount) {
        if !samples.is_empty() {
            self.change(|state, at| state.sampled(client, at, samples));
        }
    }

    /// A client has not read its socket for some time.
    pub fn unread(&self, client: u64, time: Duration) {
        self.change(|state, at| state.unread(client, at, time.as_secs_f64()));
    }

    /// A connection has ended.
    pub fn disconnected(&self, client: u64, by: Side) {
        self.change(|state, at| state.disconnected(client, at, by));
    }

    /// The entries so far, but for the oldest of a long time.
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

    /// The clients, the newest last.
    #[must_use]
    pub fn clients(&self) -> Vec<ClientSummary> {
        self.lock().clients.values().map(|own| own.shown.clone()).collect()
    }

    /// The sessions that live.
    #[must_use]
    pub fn sessions(&self) -> Vec<OpenSession> {
        self.lock().sessions.values().cloned().collect()
    }

    /// Seconds since it began.
    #[must_use]
    pub fn now(&self) -> f64 {
        self.lock().started.elapsed().as_secs_f64()
    }

    /// The moment of an entry.
    #[must_use]
    pub fn moment(&self, at: f64) -> Timestamp {
        let since = SignedDuration::try_from_secs_f64(at).unwrap_or_default();
        let epoch = self.lock().epoch;
        epoch.checked_add(since).unwrap_or(epoch)
    }

    /// An entry as an object of one level.
    #[must_use]
    pub fn json(&self, entry: &Entry) -> Value {
        entry.to_json(&self.moment(entry.at).strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string())
    }

    /// Reads all entries from the first on.
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

/// Hands out all entries once, in order.
#[derive(Debug)]
pub struct JournalReader {
    journal: Journal,
    changed: watch::Receiver<()>,
    /// The number of the last one handed out.
    seen: u64,
    /// Entries that were forgotten before they could be read.
    pub missed: u64,
}

impl JournalReader {
    /// The entries that have come since the last call.
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
        /// Some advice follows from a step that does not come.
        const LOOK: Duration = Duration::from_secs(1);
        loop {
            self.changed.mark_unchanged();
            let new = self.take();
            if !new.is_empty() {
                return new;
            }
            tokio::select! {
                changed = self.changed.changed() => if changed.is_err() {
                    // Never: the journal of this reader keeps the sender.
                    std::future::pending::<()>().await;
                },
                () = sleep(LOOK) => {}
            }
        }
    }
}

/// All that is known.
struct State {
    started: Instant,
    epoch: Timestamp,
    entries: VecDeque<Entry>,
    /// Entries so far.
    count: u64,
    clients: BTreeMap<u64, KnownClient>,
    sessions: BTreeMap<String, OpenSession>,
    advisor: Advisor,
    secrets: Secrets,
    /// Reused.
    numbers: Vec<f64>,
}

/// A client, and what is kept of it beside what is shown.
#[derive(Default)]
struct KnownClient {
    shown: ClientSummary,
    pending: VecDeque<Pending>,
    /// Samples that no entry has counted.
    samples: SampleCount,
    /// When the last entry counted them.
    counted: f64,
}

/// A request that waits for its answer.
struct Pending {
    request: ClientRequest,
    number: u64,
    subject: String,
    at: f64,
}

impl State {
    /// What follows because time has passed; returns the time.
    fn advance(&mut self) -> f64 {
        let now = self.started.elapsed().as_secs_f64();
        for (client, advice) in self.advisor.advance(now) {
            self.advise(client, now, advice);
        }
        now
    }

    fn push(&mut self, client: u64, at: f64, event: JournalEvent) {
        self.count += 1;
        if self.entries.len() == MAX_ENTRIES {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry { number: self.count, at, client, event });
    }

    fn advise(&mut self, client: u64, at: f64, mut advice: Advice) {
        advice.text = self.clean(&advice.text);
        let (text, place) = (&advice.text, advice.mistake.reference());
        tracing::info!("client {client}: advice: {text} (docs/protocol.md {place})");
        self.push(client, at, JournalEvent::Advice(advice));
    }

    fn observe(&mut self, client: u64, at: f64, what: CrossingEvent<'_>) {
        for advice in self.advisor.observe(&Crossing { at, client, what }) {
            self.advise(client, at, advice);
        }
    }

    /// A text without secrets and without what drives a terminal.
    fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        self.secrets.hide(&mut text);
        clean_bounded(&text)
    }

    fn connected(&mut self, client: u64, at: f64) {
        if self.clients.len() == MAX_CLIENTS {
            let gone = self.clients.iter().find(|(_, own)| own.shown.until.is_some());
            let oldest = gone.or_else(|| self.clients.iter().next()).map(|(number, _)| *number);
            oldest.map(|oldest| self.clients.remove(&oldest));
        }
        let shown = ClientSummary { number: client, since: at, ..ClientSummary::default() };
        self.clients.insert(client, KnownClient { shown, counted: at, ..KnownClient::default() });
        self.push(client, at, JournalEvent::Connected);
        self.observe(client, at, CrossingEvent::Connected);
    }

    fn received(&mut self, client: u64, at: f64, text: &str) {
        let request = ClientRequest::read(text);
        self.secrets.learn(&Value::Object(request.params.clone()));
        let (method, subject) = (self.clean(&request.name), self.subject(&request));
        let Some(own) = self.clients.get_mut(&client) else { return };
        own.shown.requests += 1;
        let number = own.shown.requests;
        self.push(
            client,
            at,
            JournalEvent::Request { request: number, method, subject: subject.clone() },
        );
        self.observe(client, at, CrossingEvent::Requested(&request));
        if let Some(own) = self.clients.get_mut(&client) {
            if own.pending.len() == MAX_PENDING {
                own.pending.pop_front();
            }
            own.pending.push_back(Pending { request, number, subject, at });
        }
    }

    /// What a request is about: never a parameter that could be a secret.
    fn subject(&self, request: &ClientRequest) -> String {
        const NAMED: [&str; 9] = [
            "command",
            "status",
            "headset",
            "headsetId",
            "session",
            "profile",
            "detection",
            "action",
            "id",
        ];
        let named = NAMED.iter().map(|name| request.text(name)).filter(|text| !text.is_empty());
        let streams = request.params.get("streams").and_then(Value::as_array);
        let streams = streams.into_iter().flatten().filter_map(Value::as_str).take(16);
        self.clean(&named.chain(streams).collect::<Vec<_>>().join(" "))
    }

    fn sent(&mut self, client: u64, at: f64, text: &str) {
        let mut numbers = std::mem::take(&mut self.numbers);
        let is_sample =
            matches!(ServerMessage::parse(text, &mut numbers), Ok(ServerMessage::Sample(_)));
        self.numbers = numbers;
        if is_sample {
            let mut samples = SampleCount::default();
            samples.count(text, true);
            self.sampled(client, at, &samples);
            return;
        }
        let Ok(Value::Object(mut message)) = serde_json::from_str(text) else { return };
        if let Some(warning) = message.remove("warning") {
            self.warned(client, at, &warning.into());
            return;
        }
        let id = message.remove("id").unwrap_or_default();
        let Some(own) = self.clients.get_mut(&client) else { return };
        let Some(place) = own.pending.iter().position(|own| own.request.id == id) else { return };
        let Some(pending) = own.pending.remove(place) else { return };
        if let Some(error) = message.remove("error") {
            own.shown.refused += 1;
            let code = error.get("code").and_then(Value::as_i64).unwrap_or_default();
            let text = error.get("message").and_then(Value::as_str).unwrap_or_default();
            let refusal = Refusal { code, message: self.clean(text) };
            self.answered(client, at, &pending, Some(refusal.clone()));
            let result = Err(&refusal);
            self.observe(client, at, CrossingEvent::Answered { request: &pending.request, result });
        } else {
            let result = message.remove("result").unwrap_or_default();
            self.secrets.learn(&result);
            self.answered(client, at, &pending, None);
            self.follow(client, at, &pending.request, &result);
            let result = Ok(&result);
            self.observe(client, at, CrossingEvent::Answered { request: &pending.request, result });
        }
    }

    fn answered(&mut self, client: u64, at: f64, pending: &Pending, refusal: Option<Refusal>) {
        let method = self.clean(&pending.request.name);
        // Neither parameters nor results: they may hold secrets and tokens.
        let refused = |own: &Refusal| format!("{} {}", own.code, own.message);
        let outcome = refusal.as_ref().map_or_else(|| "ok".to_owned(), refused);
        tracing::debug!("client {client}: {method:.40}: {outcome}");
        let (request, subject, took) = (pending.number, pending.subject.clone(), at - pending.at);
        self.push(client, at, JournalEvent::Answer { request, method, subject, refusal, took });
    }

    /// What an answer changes of the sessions.
    fn follow(&mut self, client: u64, at: f64, request: &ClientRequest, result: &Value) {
        let text =
            |value: Option<&Value>| self.clean(value.and_then(Value::as_str).unwrap_or_default());
        match request.method {
            Some(Method::CreateSession) if self.sessions.len() < MAX_SESSIONS => {
                let id = text(result.get("id"));
                let headset: HeadsetId = text(result.pointer("/headset/id")).into();
                let status = text(result.get("status"));
                let session = OpenSession {
                    id: id.clone().into(),
                    client,
                    headset: headset.clone(),
                    status: status.clone(),
                    streams: Vec::new(),
                };
                let event =
                    JournalEvent::SessionOpened { session: id.clone().into(), headset, status };
                self.sessions.insert(id, session);
                self.push(client, at, event);
            }
            Some(Method::UpdateSession) => {
                let (id, status) = (request.text("session"), text(result.get("status")));
                if status == "closed" {
                    self.close(id, at, SessionEnd::Closed);
                } else if let Some(session) = self.sessions.get_mut(id) {
                    session.status = status;
                }
            }
            Some(Method::Subscribe) => {
                let streams = listed(result, "success").map(|own| text(own.get("streamName")));
                let streams: Vec<_> = streams.collect();
                let refused = listed(result, "failure").map(|own| {
                    let code = own.get("code").and_then(Value::as_i64).unwrap_or_default();
                    let refusal = Refusal { code, message: text(own.get("message")) };
                    JournalEvent::StreamRefused { stream: text(own.get("streamName")), refusal }
                });
                let refused: Vec<_> = refused.collect();
                let id = self.clean(request.text("session"));
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.streams.retain(|own| !streams.contains(own));
                    session.streams.extend(streams.iter().cloned());
                }
                if !streams.is_empty() {
                    self.push(client, at, JournalEvent::Subscribed { session: id.into(), streams });
                }
                for event in refused {
                    self.push(client, at, event);
                }
            }
            Some(Method::Unsubscribe) => {
                let streams = listed(result, "success").map(|own| text(own.get("streamName")));
                let streams: Vec<_> = streams.collect();
                let id = self.clean(request.text("session"));
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.streams.retain(|own| !streams.contains(own));
                }
                if !streams.is_empty() {
                    self.push(
                        client,
                        at,
                        JournalEvent::Unsubscribed { session: id.into(), streams },
                    );
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, id: &str, at: f64, end: SessionEnd) {
        if let Some(session) = self.sessions.remove(id) {
            let client = session.client;
            self.push(client, at, JournalEvent::SessionClosed { session: session.id, end });
        }
    }

    fn warned(&mut self, client: u64, at: f64, warning: &Warning) {
        let text = self.clean(&warning.text());
        self.push(client, at, JournalEvent::Warning { code: warning.code, text });
        if let Some(id) = warning.session() {
            match warning.code {
                SESSION_CLOSED => self.close(id.as_str(), at, SessionEnd::ByService),
                STREAMS_STOPPED => {
                    if let Some(session) = self.sessions.get_mut(id.as_str()) {
                        session.streams.clear();
                    }
                }
                _ => {}
            }
        }
        self.observe(client, at, CrossingEvent::Warned(warning));
    }

    fn sampled(&mut self, client: u64, at: f64, samples: &SampleCount) {
        let Some(own) = self.clients.get_mut(&client) else { return };
        let is_first = own.samples.is_empty();
        for (sum, count) in own.samples.sent.iter_mut().zip(samples.sent) {
            *sum += count;
        }
        own.samples.dropped += samples.dropped;
        own.shown.dropped += samples.dropped;
        for (name, count) in samples.by_stream() {
            *own.shown.sent.entry(name).or_default() += count;
        }
        if at - own.counted >= SAMPLES_EVERY {
            self.count_samples(client, at);
        }
        if is_first {
            self.observe(client, at, CrossingEvent::Sampled);
        }
    }

    /// An entry for the samples since the last one.
    fn count_samples(&mut self, client: u64, at: f64) {
        let Some(own) = self.clients.get_mut(&client) else { return };
        own.counted = at;
        let samples = std::mem::take(&mut own.samples);
        if !samples.is_empty() {
            let sent = samples.by_stream().map(|(name, count)| (name.to_owned(), count)).collect();
            self.push(client, at, JournalEvent::Samples { sent, dropped: samples.dropped });
        }
    }

    fn unread(&mut self, client: u64, at: f64, seconds: f64) {
        self.push(client, at, JournalEvent::Unread { seconds });
        self.observe(client, at, CrossingEvent::Unread(seconds));
    }

    fn disconnected(&mut self, client: u64, at: f64, by: Side) {
        self.count_samples(client, at);
        self.observe(client, at, CrossingEvent::Disconnected(by));
        let own = self.sessions.iter().filter(|(_, session)| session.client == client);
        for id in own.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            self.close(&id, at, SessionEnd::Disconnected);
        }
        if let Some(own) = self.clients.get_mut(&client) {
            own.shown.until = Some(at);
            own.pending.clear();
        }
        self.push(client, at, JournalEvent::Disconnected { by });
    }
}

/// The objects of a list in a result.
fn listed<'a>(result: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    result.get(name).and_then(Value::as_array).into_iter().flatten().take(64)
}

//! Everything the journal knows about clients, sessions and pending requests, and how each message
//! changes it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::{
    ClientSummary, OpenSession,
    advice::{Advice, Advisor},
    crossing::{ClientRequest, Crossing, CrossingEvent, Refusal, id_of},
    entry::{Entry, JournalEvent, SessionEnd},
    sample_count::SampleCount,
};
use crate::Injection;
use cortop_protocol::{
    HeadsetId, Method, Warning,
    code::warning::{SESSION_CLOSED, STREAMS_STOPPED},
    envelope::ServerMessage,
    sanitize::clean_bounded,
    secrets::Secrets,
    wire::Side,
};

/// Entries kept; the oldest are dropped first.
pub(super) const MAX_ENTRIES: usize = 4096;
/// Clients kept, including those that have left.
pub(super) const MAX_CLIENTS: usize = 256;
/// Requests of a client that may be waiting for an answer.
pub(super) const MAX_PENDING: usize = 256;
/// Sessions known at a time.
const MAX_SESSIONS: usize = 1024;
/// Seconds between two entries that count a client's samples.
const SAMPLES_EVERY: f64 = 10.0;

/// The journal's state.
pub(super) struct State {
    pub(super) started: Instant,
    pub(super) epoch: Timestamp,
    pub(super) entries: VecDeque<Entry>,
    /// The number of entries so far.
    pub(super) count: u64,
    pub(super) clients: BTreeMap<u64, KnownClient>,
    pub(super) sessions: BTreeMap<String, OpenSession>,
    advisor: Advisor,
    secrets: Secrets,
    /// A buffer, reused.
    numbers: Vec<f64>,
}

/// A client with its internal data.
#[derive(Default)]
pub(super) struct KnownClient {
    pub(super) shown: ClientSummary,
    pub(super) pending: VecDeque<Pending>,
    /// Samples not yet counted by an entry.
    samples: SampleCount,
    /// When the last entry counted them.
    counted: f64,
}

/// A request that waits for its answer.
pub(super) struct Pending {
    request: ClientRequest,
    number: u64,
    subject: String,
    at: f64,
}

impl State {
    /// An empty state; time starts now.
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            epoch: Timestamp::now(),
            entries: VecDeque::new(),
            count: 0,
            clients: BTreeMap::new(),
            sessions: BTreeMap::new(),
            advisor: Advisor::default(),
            secrets: Secrets::default(),
            numbers: Vec::new(),
        }
    }

    /// Processes the passing of time. Returns the current time.
    pub(super) fn advance(&mut self) -> f64 {
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
        advice.text = clean_bounded(&advice.text);
        let (text, place) = (&advice.text, advice.mistake.reference());
        tracing::info!("client {client}: advice: {text} (docs/protocol.md {place})");
        self.push(client, at, JournalEvent::Advice(advice));
    }

    fn observe(&mut self, client: u64, at: f64, what: CrossingEvent<'_>) {
        for advice in self.advisor.observe(&Crossing { at, client, what }) {
            self.advise(client, at, advice);
        }
    }

    pub(super) fn connected(&mut self, client: u64, at: f64) {
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

    pub(super) fn received(&mut self, client: u64, at: f64, text: &str) {
        self.secrets.learn_text(text);
        let request = ClientRequest::read(text, &self.secrets);
        let (method, subject) = (clean_bounded(&request.name), subject(&request));
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

    pub(super) fn sent(&mut self, client: u64, at: f64, text: &str) {
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
        let Ok(mut message) = serde_json::from_str::<Value>(text) else { return };
        message.get("result").inspect(|result| self.secrets.learn(result));
        self.secrets.redact(&mut message);
        let Value::Object(mut message) = message else { return };
        if let Some(warning) = message.remove("warning") {
            self.warned(client, at, &warning.into());
            return;
        }
        let id = id_of(message.remove("id"), text);
        let Some(own) = self.clients.get_mut(&client) else { return };
        let Some(place) = own.pending.iter().position(|own| own.request.id == id) else { return };
        let Some(pending) = own.pending.remove(place) else { return };
        if let Some(error) = message.remove("error") {
            own.shown.refused += 1;
            let code = error.get("code").and_then(Value::as_i64).unwrap_or_default();
            let text = error.get("message").and_then(Value::as_str).unwrap_or_default();
            let refusal = Refusal { code, message: clean_bounded(text) };
            self.answered(client, at, &pending, Some(refusal.clone()));
            let result = Err(&refusal);
            self.observe(client, at, CrossingEvent::Answered { request: &pending.request, result });
        } else {
            let result = message.remove("result").unwrap_or_default();
            self.answered(client, at, &pending, None);
            self.follow(client, at, &pending.request, &result);
            let result = Ok(&result);
            self.observe(client, at, CrossingEvent::Answered { request: &pending.request, result });
        }
    }

    fn answered(&mut self, client: u64, at: f64, pending: &Pending, refusal: Option<Refusal>) {
        let method = clean_bounded(&pending.request.name);
        // Neither parameters nor results, which may contain secrets and tokens.
        let refused = |own: &Refusal| format!("{} {}", own.code, own.message);
        let outcome = refusal.as_ref().map_or_else(|| "ok".to_owned(), refused);
        let (request, subject, took) = (pending.number, pending.subject.clone(), at - pending.at);
        tracing::debug!("client {client}: {method:.40}: {outcome} ({:.1} ms)", took * 1e3);
        self.push(client, at, JournalEvent::Answer { request, method, subject, refusal, took });
    }

    /// Updates the sessions from an answer.
    fn follow(&mut self, client: u64, at: f64, request: &ClientRequest, result: &Value) {
        let text = |value: Option<&Value>| {
            clean_bounded(value.and_then(Value::as_str).unwrap_or_default())
        };
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
                let id = clean_bounded(request.text("session"));
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
                let id = clean_bounded(request.text("session"));
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
        let text = clean_bounded(&warning.text());
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

    pub(super) fn sampled(&mut self, client: u64, at: f64, samples: &SampleCount) {
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

    /// Adds an entry for the samples since the last one.
    fn count_samples(&mut self, client: u64, at: f64) {
        let Some(own) = self.clients.get_mut(&client) else { return };
        own.counted = at;
        let samples = std::mem::take(&mut own.samples);
        if !samples.is_empty() {
            let sent = samples.by_stream().map(|(name, count)| (name.to_owned(), count)).collect();
            self.push(client, at, JournalEvent::Samples { sent, dropped: samples.dropped });
        }
    }

    pub(super) fn handshake_failed(&mut self, client: u64, at: f64, text: &str) {
        let text = clean_bounded(text);
        tracing::info!("client {client}: cannot connect: {text}");
        self.push(client, at, JournalEvent::HandshakeFailed { text });
    }

    pub(super) fn has_headsets(&mut self, ids: BTreeSet<String>) {
        self.advisor.headsets = ids;
    }

    pub(super) fn injected(&mut self, at: f64, injection: Injection) {
        let Injection { client, headset, stream, fault, .. } = injection;
        let fault = clean_bounded(&fault.without(&self.secrets));
        let whom = client.map_or_else(String::new, |client| format!("client {client}: "));
        tracing::info!("{whom}fault: {fault}");
        let event = JournalEvent::Fault { fault, headset, stream };
        self.push(client.unwrap_or_default(), at, event);
    }

    pub(super) fn unread(&mut self, client: u64, at: f64, seconds: f64) {
        self.push(client, at, JournalEvent::Unread { seconds });
        self.observe(client, at, CrossingEvent::Unread(seconds));
    }

    pub(super) fn disconnected(&mut self, client: u64, at: f64, by: Side) {
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

/// The subject of a request: never a parameter that could be a secret.
fn subject(request: &ClientRequest) -> String {
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
    clean_bounded(&named.chain(streams).collect::<Vec<_>>().join(" "))
}

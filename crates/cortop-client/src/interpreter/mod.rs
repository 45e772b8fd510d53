//! Derives what a client knows from what crossed its sockets: events and samples as the client
//! would have reported them, for the requests of whoever was captured. Sends nothing, waits for
//! nothing, reads no clock: the caller passes the moment of each message.

mod answers;
mod sessions;

use std::{
    collections::{BTreeMap, HashMap},
    mem,
};

use bytestring::ByteString;
use serde_json::Value;

use self::sessions::KnownSession;
use super::{
    ConnectionStep, Event, Link, Moment, Security,
    link::lost,
    rpc::AnswerEffect,
    stream_table::{FoundSample, StreamTable},
};
use cortop_protocol::{
    Error, ErrorSubject, Feed, Headset, HeadsetId, Method, SessionId, Warning, account::Licence,
    code::warning as codes, envelope::ServerMessage, secrets::Secrets, wire::Side,
};

/// How many requests are remembered until they are answered.
const PENDING: usize = 1024;

/// What was learned, in order.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "handed over, never stored")]
pub enum Interpreted {
    /// An event that a client reports.
    Event(Event),
    /// An item that it hands to the decoder.
    Feed(Feed),
}

/// Interprets captured traffic.
#[derive(Default)]
pub struct Interpreter {
    streams: StreamTable,
    pending: HashMap<(u64, u64), SentRequest>,
    /// The open connections.
    connections: Vec<u64>,
    security: Option<Security>,
    step: Option<ConnectionStep>,
    headsets: Vec<Headset>,
    sessions: BTreeMap<SessionId, KnownSession>,
    licence: Option<Licence>,
    /// Clock measurements: the round trip of the answer, and when it came (epoch seconds).
    clocks: BTreeMap<HeadsetId, (f64, f64)>,
    /// Refusals already reported, by method and code.
    refused: Vec<(Method, Option<i64>)>,
    activations: u64,
    out: Vec<Interpreted>,
}

struct SentRequest {
    method: Method,
    params: Value,
    /// Epoch seconds.
    sent: f64,
}

impl Interpreter {
    /// An interpreter for a service at this URL, before anything has crossed.
    #[must_use]
    pub fn new(url: &str) -> Self {
        let security = if url.starts_with("ws://") { Security::Plain } else { Security::Verified };
        Self { security: Some(security), ..Self::default() }
    }

    /// Takes what was learned since the last call.
    pub fn take(&mut self) -> Vec<Interpreted> {
        mem::take(&mut self.out)
    }

    /// A connection began.
    pub fn connected(&mut self, connection: u64) {
        self.connections.push(connection);
        if self.connections.len() == 1 {
            self.report_step(ConnectionStep::Greeting);
        }
    }

    /// A connection ended.
    pub fn disconnected(&mut self, connection: u64, by: Side, at: Moment) {
        self.pending.retain(|(own, _), _| *own != connection);
        self.connections.retain(|own| *own != connection);
        if !self.connections.is_empty() {
            return;
        }
        for ended in self.streams.end_all() {
            self.out.push(Interpreted::Feed(ended));
        }
        let (why, ordered) = match by {
            Side::Client => ("closed by the client that was captured", true),
            Side::Service => ("the connection was lost", false),
        };
        let live: Vec<_> = self.live().map(|own| own.session.id.clone()).collect();
        for session in live {
            self.close(&session, why, ordered);
        }
        self.step = None;
        self.headsets.clear();
        self.refused.clear();
        let next = "the capture goes on with the next connection";
        let error = match by {
            Side::Client => lost("the client that was captured has left", next),
            Side::Service => lost("the service closed the connection", next),
        };
        self.event(Event::Link(Link::Waiting { error, at: at.instant, attempt: 1 }));
    }

    /// A client sent a text.
    pub fn sent(&mut self, connection: u64, text: &str, at: Moment) {
        let Ok(request) = serde_json::from_str::<Value>(text) else { return };
        let (Some(id), Some(name)) = (
            request.get("id").and_then(Value::as_u64),
            request.get("method").and_then(Value::as_str),
        ) else {
            return;
        };
        let Some(method) = Method::from_name(name) else { return };
        let params = request.get("params").cloned().unwrap_or_default();
        match method {
            Method::Authorize => self.progress(ConnectionStep::Authorizing),
            Method::CreateSession => {
                if let Some(headset) = text_of(&params, "headset") {
                    self.progress(ConnectionStep::Opening(headset.into()));
                }
            }
            Method::ControlDevice if text_of(&params, "command") == Some("connect") => {
                if let Some(headset) = text_of(&params, "headset") {
                    self.progress(ConnectionStep::Connecting(headset.into()));
                }
            }
            _ => {}
        }
        if self.pending.len() < PENDING {
            self.pending
                .insert((connection, id), SentRequest { method, params, sent: seconds(at) });
        }
    }

    /// The service sent a text. Returns whether it could be parsed.
    pub fn received(&mut self, connection: u64, text: &str, at: Moment) -> bool {
        match self.streams.parse(text) {
            Ok(ServerMessage::Sample(message)) => {
                let found =
                    self.streams.find(&message, ByteString::from(text.to_owned()), at.instant);
                if let Ok(FoundSample { sample, resumed, .. }) = found {
                    if !resumed.is_empty() {
                        self.on_resumed(&sample.subscription.session.clone(), resumed);
                    }
                    self.out.push(Interpreted::Feed(Feed::Sample(sample)));
                }
                true
            }
            Ok(ServerMessage::Answer { id, result, attention }) => {
                let request = id.and_then(|id| self.pending.remove(&(connection, id)));
                if let Some(request) = request {
                    match result {
                        Ok(raw) => {
                            let result = serde_json::from_str(raw.get()).unwrap_or_default();
                            self.on_answer(request, result, at);
                        }
                        Err(error) => self.on_refusal(&request, error),
                    }
                }
                if let Some(attention) = attention {
                    self.on_warning(&attention);
                }
                true
            }
            Ok(ServerMessage::Warning(warning)) => {
                self.on_warning(&warning);
                true
            }
            Ok(ServerMessage::Malformed) | Err(_) => false,
        }
    }

    /// Reports an event, and logs it as a client does.
    fn event(&mut self, event: Event) {
        let session = event.session().and_then(|id| self.sessions.get(id));
        let headset = session.map(|own| &own.session.headset.id);
        let headset = headset.filter(|id| !id.as_str().is_empty());
        let of = headset.map(|id| format!("{id}: ")).unwrap_or_default();
        // They were removed when the capture was written.
        event.log(&of, &Secrets::default());
        self.out.push(Interpreted::Event(event));
    }

    fn live(&self) -> impl Iterator<Item = &KnownSession> {
        self.sessions.values().filter(|own| !own.is_closed)
    }

    /// Reports progress of signing in and opening; nothing once samples arrive.
    fn progress(&mut self, step: ConnectionStep) {
        if self.live().next().is_none() {
            self.report_step(step);
        }
    }

    fn report_step(&mut self, step: ConnectionStep) {
        if self.step.as_ref() != Some(&step) {
            self.step = Some(step.clone());
            let security = self.security.unwrap_or(Security::Verified);
            self.event(Event::Link(Link::Up { security, step }));
        }
    }

    /// Reports the step that applies while nothing is requested.
    fn report_idle(&mut self) {
        let step = if self.live().any(|own| !own.subscribed.is_empty()) {
            ConnectionStep::Streaming
        } else if let Some(own) = self.live().next() {
            ConnectionStep::Opening(own.session.headset.id.clone())
        } else if self.headsets.is_empty() {
            ConnectionStep::Searching
        } else {
            ConnectionStep::Choosing
        };
        self.report_step(step);
    }

    fn apply(&mut self, effect: AnswerEffect, result: &Value) {
        let changes = self.streams.apply(effect, result);
        self.out.extend(changes.into_iter().map(Interpreted::Feed));
    }

    /// Headsets were listed: all, or only some of them.
    fn on_headsets(&mut self, listed: Vec<Headset>, are_some: bool) {
        let headsets = if are_some {
            let mut headsets = self.headsets.clone();
            for headset in listed {
                match headsets.iter_mut().find(|own| own.id == headset.id) {
                    Some(own) => *own = headset,
                    None => headsets.push(headset),
                }
            }
            headsets
        } else {
            listed
        };
        if self.headsets != headsets || self.step == Some(ConnectionStep::Listing) {
            self.headsets.clone_from(&headsets);
            self.event(Event::Headsets(headsets));
        }
        let waits = matches!(
            self.step,
            Some(ConnectionStep::Listing | ConnectionStep::Searching | ConnectionStep::Choosing)
        );
        if waits {
            self.report_idle();
        }
    }

    fn on_warning(&mut self, warning: &Warning) {
        self.event(Event::Warning(warning.clone()));
        match warning.code {
            codes::STREAMS_STOPPED | codes::SESSION_CLOSED => {
                if let Some(session) = warning.session() {
                    self.out.extend(self.streams.end(&session).map(Interpreted::Feed));
                    self.close(&session, &warning.sentence(), false);
                    self.report_idle();
                }
            }
            codes::HEADSET_LOST => {
                let headset = warning.headset();
                let on = |own: &&KnownSession| Some(&own.session.headset.id) == headset.as_ref();
                let sessions: Vec<_> =
                    self.live().filter(on).map(|own| own.session.id.clone()).collect();
                for session in sessions {
                    self.out.extend(self.streams.end(&session).map(Interpreted::Feed));
                    self.close(&session, &warning.text(), false);
                }
                self.report_idle();
            }
            codes::LOGGED_OUT => self.event(Event::User(None)),
            codes::SCAN_DONE => self.event(Event::Scan(false)),
            _ => {}
        }
    }

    /// Reports a refusal once per method and code: clients poll.
    fn on_refusal(&mut self, request: &SentRequest, error: Value) {
        let method = request.method;
        let error = Error::from_answer(method, error);
        if method == Method::HasAccessRight || self.refused.contains(&(method, error.code)) {
            return;
        }
        self.refused.push((method, error.code));
        let error = error.about(ErrorSubject::of_params(&request.params));
        self.event(Event::Refused(error));
    }
}

fn text_of<'a>(params: &'a Value, name: &str) -> Option<&'a str> {
    params.get(name).and_then(Value::as_str)
}

/// Seconds since 1970.
fn seconds(at: Moment) -> f64 {
    at.wall.as_microsecond() as f64 / 1e6
}

//! What a client knows, read from what crossed its sockets: events and samples as the client would
//! report them, of requests that were sent by whoever was captured. Asks nothing, waits for nothing,
//! reads no clock: the moment of each message is handed in.

use std::{
    collections::{BTreeMap, HashMap},
    mem,
    sync::Arc,
};

use bytestring::ByteString;
use serde_json::Value;

use super::{
    ClockOffset, ConnectionStep, Event, Link, Moment, Security, SessionMode,
    link::lost,
    rpc::AnswerEffect,
    stream_table::{FoundSample, StreamTable},
    subscribe::SubscribeAnswer,
};
use cortop_protocol::{
    Error, ErrorSubject, Feed, Headset, HeadsetId, Marker, Method, Profile, Record, RecordEvent,
    RecordId, Session, SessionId, Stream, Subscription, Warning,
    account::{CortexInfo, Licence, UserLogin},
    code::warning as codes,
    envelope::ServerMessage,
    profile::Loaded,
    record::RecordList,
    secrets::Secrets,
    session::SessionStatus,
    tolerant::{self, Members},
    wire::Side,
};

/// Requests remembered until they are answered.
const PENDING: usize = 1024;

/// Sessions known at a time.
const SESSIONS: usize = 256;

/// Seconds by which a clock may be off beyond half of what the answer took: drift and resolution.
const CLOCK_UNCERTAINTY: f64 = 0.004;

/// Seconds for which a measurement of a clock counts against later ones that took longer.
const CLOCK_AGE: f64 = 30.0;

/// What became known, in its order.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "handed over, never stored")]
pub enum Interpreted {
    /// What a client reports.
    Event(Event),
    /// What it hands to the decoder.
    Feed(Feed),
}

/// Reads what crossed.
#[derive(Default)]
pub struct Interpreter {
    streams: StreamTable,
    pending: HashMap<(u64, u64), SentRequest>,
    /// The connections that are open.
    connections: Vec<u64>,
    security: Option<Security>,
    step: Option<ConnectionStep>,
    headsets: Vec<Headset>,
    sessions: BTreeMap<SessionId, KnownSession>,
    licence: Option<Licence>,
    /// Measurements of clocks: what the answer took, and when it came (epoch seconds).
    clocks: BTreeMap<HeadsetId, (f64, f64)>,
    /// Refusals that were reported, by method and code.
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

struct KnownSession {
    session: Session,
    subscribed: Vec<Stream>,
    record: Option<Record>,
    is_closed: bool,
}

impl Interpreter {
    /// Of a service at this URL, before anything has crossed.
    #[must_use]
    pub fn new(url: &str) -> Self {
        let security = if url.starts_with("ws://") { Security::Plain } else { Security::Verified };
        Self { security: Some(security), ..Self::default() }
    }

    /// What became known since the last time.
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

    /// The service sent a text. Whether it could be read.
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
        // They were cut out when the capture was written.
        event.log(&of, &Secrets::default());
        self.out.push(Interpreted::Event(event));
    }

    fn live(&self) -> impl Iterator<Item = &KnownSession> {
        self.sessions.values().filter(|own| !own.is_closed)
    }

    /// How far signing in and opening have come; nothing while samples flow.
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

    /// The step while nothing is asked for.
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

    #[expect(clippy::too_many_lines, reason = "one arm a method")]
    fn on_answer(&mut self, request: SentRequest, mut result: Value, at: Moment) {
        let SentRequest { method, params, sent } = request;
        let session = text_of(&params, "session").map(SessionId::from);
        let headset = text_of(&params, "headset").map(HeadsetId::from);
        self.refused.retain(|(own, _)| *own != method);
        match method {
            Method::GetCortexInfo => self.event(Event::Service(CortexInfo::from(result))),
            Method::GetUserLogin => {
                let users = tolerant::objects::<UserLogin>(method.name(), result);
                let user = users.into_iter().next();
                if user.is_none() {
                    self.progress(ConnectionStep::Login);
                }
                self.event(Event::User(user));
            }
            Method::HasAccessRight | Method::RequestAccess
                if !Members::of(method.name(), result.take()).flag("accessGranted") =>
            {
                self.progress(ConnectionStep::Approval);
            }
            Method::Authorize => self.progress(ConnectionStep::Listing),
            Method::GetLicenseInfo => {
                let licence = Licence::from_answer(result);
                self.licence = Some(licence.clone());
                self.event(Event::Licence(licence));
            }
            Method::QueryHeadsets => {
                let headsets = tolerant::objects::<Headset>(method.name(), result);
                self.on_headsets(headsets, params.get("id").is_some());
            }
            Method::QuerySessions => {
                let sessions = tolerant::objects::<Session>(method.name(), result);
                for session in &sessions {
                    self.on_session(session.clone());
                }
                self.event(Event::Sessions(sessions));
            }
            Method::CreateSession => {
                let session = Session::from(result);
                self.open(session, false);
            }
            Method::UpdateSession => {
                let Some(id) = session else { return };
                let session = Session::from(result);
                let closes = text_of(&params, "status") == Some("close");
                if text_of(&params, "status") == Some("active") {
                    self.activations += 1;
                    self.event(Event::Activated { used: self.activations });
                }
                self.on_session(Session { id: id.clone(), ..session });
                if closes {
                    let effect = AnswerEffect::Close { session: id.clone() };
                    self.apply(effect, &Value::Null);
                    self.close(&id, "closed by the client that was captured", true);
                    self.report_idle();
                }
            }
            Method::Subscribe => self.on_subscribed(session, &params, &result),
            Method::Unsubscribe => {
                let Some(session) = session else { return };
                let effect = AnswerEffect::Unsubscribe { session: session.clone() };
                self.apply(effect, &result);
                let gone = SubscribeAnswer::of(method, result).success;
                let streams: Vec<_> = gone.into_iter().map(|(stream, _)| stream).collect();
                if let Some(own) = self.sessions.get_mut(&session) {
                    own.subscribed.retain(|stream| !streams.contains(stream));
                }
                self.event(Event::Unsubscribed { session, streams });
            }
            Method::CreateRecord => {
                let (Some(session), record) = (session, record_of(&mut result)) else { return };
                if let Some(own) = self.sessions.get_mut(&session) {
                    own.record = Some(record.clone());
                }
                let started = RecordEvent::Started { session, record, foreign: false };
                self.event(Event::Record(started));
            }
            Method::StopRecord => {
                let (Some(session), record) = (session, record_of(&mut result)) else { return };
                let known = self.sessions.get_mut(&session).and_then(|own| own.record.take());
                let record = match known {
                    Some(known) if record.uuid.as_str().is_empty() => known,
                    _ => record,
                };
                let why = "stopped by the client that was captured".to_owned();
                let ended = RecordEvent::Ended { session, record, why, ordered: true };
                self.event(Event::Record(ended));
            }
            Method::InjectMarker | Method::UpdateMarker => {
                let Some(session) = session else { return };
                self.apply(AnswerEffect::Mark { session: session.clone() }, &result);
                let marker = result.get_mut("marker").map(Value::take).unwrap_or_default();
                let record = RecordId::from(Members::of(method.name(), result).text("recordId"));
                self.event(Event::Marker { session, record, marker: Marker::from(marker) });
            }
            Method::SyncWithHeadsetClock => {
                if let Some(headset) = headset {
                    self.on_clock(headset, &params, &result, (sent, seconds(at)));
                }
            }
            Method::GetCurrentProfile => {
                let Some(headset) = headset else { return };
                let by_us = result.get("loadedByThisApp").and_then(Value::as_bool);
                let name = Members::of(method.name(), result).text("name");
                let loaded = (!name.is_empty()).then_some(Loaded { name, by_us });
                self.event(Event::Profile { headset, loaded });
            }
            Method::QueryProfile => {
                let profiles = tolerant::objects::<Profile>(method.name(), result);
                self.event(Event::Profiles(profiles));
            }
            Method::QueryRecords => self.event(Event::Records(RecordList::from(result))),
            Method::ControlDevice if text_of(&params, "command") == Some("refresh") => {
                self.event(Event::Scan(true));
            }
            _ => {}
        }
    }

    fn apply(&mut self, effect: AnswerEffect, result: &Value) {
        let changes = self.streams.apply(effect, result);
        self.out.extend(changes.into_iter().map(Interpreted::Feed));
    }

    /// Headsets were listed: all, or some of them.
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

    /// A session that the captured client has is new.
    fn open(&mut self, session: Session, foreign: bool) {
        if session.id.as_str().is_empty() || self.sessions.len() >= SESSIONS {
            return;
        }
        let (id, active) = (session.id.clone(), session.status == SessionStatus::Activated);
        if active && !foreign {
            self.activations += 1;
            self.event(Event::Activated { used: self.activations });
        }
        let mode = if active { SessionMode::Active } else { SessionMode::Open };
        let known = KnownSession {
            session: session.clone(),
            subscribed: Vec::new(),
            record: None,
            is_closed: false,
        };
        self.sessions.insert(id.clone(), known);
        self.event(Event::Session(session));
        let why = if foreign {
            "it was there when the capture began"
        } else {
            "as the client that was captured asked"
        };
        self.event(Event::Opened { session: id, mode, why: why.to_owned(), foreign: false });
        self.report_idle();
    }

    /// What is known of a session may have changed.
    fn on_session(&mut self, mut session: Session) {
        let Some(own) = self.sessions.get_mut(&session.id).filter(|own| !own.is_closed) else {
            return;
        };
        if session.headset.id.as_str().is_empty() {
            session.headset = own.session.headset.clone();
        }
        if session.status == SessionStatus::Unknown {
            session.status = own.session.status.clone();
        }
        if own.session != session {
            own.session = session.clone();
            self.event(Event::Session(session));
        }
    }

    fn on_subscribed(&mut self, session: Option<SessionId>, params: &Value, result: &Value) {
        let Some(id) = session else { return };
        if self.sessions.get(&id).is_none_or(|own| own.is_closed) {
            // The capture began later than the session. Which headset it is on, the list may say.
            let connected = self.headsets.iter().find(|own| own.is_connected()).cloned();
            let headset = connected.unwrap_or_default();
            self.open(Session { id: id.clone(), headset, ..Session::default() }, true);
        }
        let Some(own) = self.sessions.get(&id) else { return };
        let listed = self.headsets.iter().find(|one| one.id == own.session.headset.id);
        let headset = listed.unwrap_or(&own.session.headset).clone();
        let is_active = own.session.status == SessionStatus::Activated;
        let fast_met =
            is_active && self.licence.as_ref().is_none_or(|licence| licence.has_scope("pm"));
        let effect =
            AnswerEffect::Subscribe { session: id.clone(), headset: Box::new(headset), fast_met };
        self.apply(effect, result);
        let answer = SubscribeAnswer::of(Method::Subscribe, result.clone());
        let asked = params.get("streams").and_then(Value::as_array).into_iter().flatten();
        let asked: Vec<Stream> =
            asked.filter_map(|name| Stream::from_name(name.as_str()?)).collect();
        let Some(own) = self.sessions.get_mut(&id) else { return };
        for (stream, _) in &answer.success {
            if !own.subscribed.contains(stream) {
                own.subscribed.push(*stream);
            }
        }
        own.subscribed.sort_unstable();
        let streams = own.subscribed.clone();
        let refused: Vec<_> = answer
            .failure
            .into_iter()
            .filter(|(stream, _)| asked.is_empty() || asked.contains(stream))
            .collect();
        let theirs = Vec::new();
        self.event(Event::Subscribed { session: id, streams, theirs, refused });
        self.report_idle();
    }

    /// Samples of a session that had ended flow again (§2.12).
    fn on_resumed(&mut self, session: &SessionId, resumed: Vec<Arc<Subscription>>) {
        let streams: Vec<_> = resumed.iter().map(|own| own.stream).collect();
        self.out.extend(resumed.into_iter().map(|own| Interpreted::Feed(Feed::Subscribed(own))));
        if let Some(own) = self.sessions.get_mut(session)
            && mem::take(&mut own.is_closed)
        {
            own.subscribed.clone_from(&streams);
            let known = own.session.clone();
            let mode = if known.status == SessionStatus::Activated {
                SessionMode::Active
            } else {
                SessionMode::Open
            };
            let why = "its samples flow again".to_owned();
            self.event(Event::Session(known));
            let session = session.clone();
            self.event(Event::Opened { session: session.clone(), mode, why, foreign: false });
            let (theirs, refused) = (Vec::new(), Vec::new());
            self.event(Event::Subscribed { session, streams, theirs, refused });
            self.report_idle();
        }
    }

    fn close(&mut self, session: &SessionId, why: &str, ordered: bool) {
        let Some(own) = self.sessions.get_mut(session).filter(|own| !own.is_closed) else { return };
        own.is_closed = true;
        own.subscribed.clear();
        if let Some(record) = own.record.take() {
            let (session, why) = (session.clone(), why.to_owned());
            self.event(Event::Record(RecordEvent::Ended { session, record, why, ordered }));
        }
        self.event(Event::Closed { session: session.clone(), why: why.to_owned(), ordered });
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

    /// A refusal is reported once for as long as it stays the same: clients poll.
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

    /// A clock was measured (§3.2): the shortest answer of late counts.
    fn on_clock(&mut self, headset: HeadsetId, params: &Value, result: &Value, way: (f64, f64)) {
        let number = |value: &Value, name: &str| value.get(name).and_then(Value::as_f64);
        let (Some(adjustment), Some(monotonic), Some(system)) = (
            number(result, "adjustment"),
            number(params, "monotonicTime"),
            number(params, "systemTime"),
        ) else {
            return;
        };
        let round_trip = (way.1 - way.0).max(0.0);
        let is_better = self
            .clocks
            .get(&headset)
            .is_none_or(|(before, at)| round_trip <= *before || way.1 - at > CLOCK_AGE);
        if is_better {
            self.clocks.insert(headset.clone(), (round_trip, way.1));
            let half = round_trip / 2.0;
            let clock = ClockOffset {
                offset: adjustment - half + monotonic - system,
                uncertainty: half + CLOCK_UNCERTAINTY,
            };
            self.event(Event::Clock { headset, clock });
        }
    }
}

fn text_of<'a>(params: &'a Value, name: &str) -> Option<&'a str> {
    params.get(name).and_then(Value::as_str)
}

fn record_of(answer: &mut Value) -> Record {
    Record::from(answer.get_mut("record").map(Value::take).unwrap_or_default())
}

/// Since 1970.
fn seconds(at: Moment) -> f64 {
    at.wall.as_microsecond() as f64 / 1e6
}

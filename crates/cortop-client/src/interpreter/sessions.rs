//! The sessions of the captured client: opened, subscribed, resumed, closed.

use std::{mem, sync::Arc};

use serde_json::Value;

use super::{Interpreted, Interpreter};
use crate::{Event, SessionMode, rpc::AnswerEffect, subscribe::SubscribeAnswer};
use cortop_protocol::{
    Feed, Method, Record, RecordEvent, Session, SessionId, Stream, Subscription,
    session::SessionStatus,
};

/// How many sessions are known at a time.
const SESSIONS: usize = 256;

pub(super) struct KnownSession {
    pub(super) session: Session,
    pub(super) subscribed: Vec<Stream>,
    pub(super) record: Option<Record>,
    pub(super) is_closed: bool,
}

impl Interpreter {
    /// The captured client has a new session.
    pub(super) fn open(&mut self, session: Session, foreign: bool) {
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

    /// The object of a session was seen and may have changed.
    pub(super) fn on_session(&mut self, mut session: Session) {
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

    pub(super) fn on_subscribed(
        &mut self,
        session: Option<SessionId>,
        params: &Value,
        result: &Value,
    ) {
        let Some(id) = session else { return };
        if self.sessions.get(&id).is_none_or(|own| own.is_closed) {
            // The capture began after the session. The list may tell which headset it is on.
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

    /// Samples of a session that had ended are arriving again (§2.12).
    pub(super) fn on_resumed(&mut self, session: &SessionId, resumed: Vec<Arc<Subscription>>) {
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
            let why = "its streams have resumed".to_owned();
            self.event(Event::Session(known));
            let session = session.clone();
            self.event(Event::Opened { session: session.clone(), mode, why, foreign: false });
            let (theirs, refused) = (Vec::new(), Vec::new());
            self.event(Event::Subscribed { session, streams, theirs, refused });
            self.report_idle();
        }
    }

    pub(super) fn close(&mut self, session: &SessionId, why: &str, ordered: bool) {
        let Some(own) = self.sessions.get_mut(session).filter(|own| !own.is_closed) else { return };
        own.is_closed = true;
        own.subscribed.clear();
        if let Some(record) = own.record.take() {
            let (session, why) = (session.clone(), why.to_owned());
            self.event(Event::Record(RecordEvent::Ended { session, record, why, ordered }));
        }
        self.event(Event::Closed { session: session.clone(), why: why.to_owned(), ordered });
    }
}

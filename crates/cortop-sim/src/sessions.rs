//! Sessions (§2.7, §3.3, §4.2): one for each headset and application, bound to the connection that
//! made it.

use serde_json::{Value, json};

use super::{
    account::LICENSE_ID,
    dispatch::Call,
    headsets::SimulatedHeadset,
    refusal::{
        ApiError, CallResult, HEADSET_NOT_READY, HEADSET_UNAVAILABLE, NO_HEADSET, NO_SESSION,
        SESSION_EXISTS,
    },
    service::{ScheduledEvent, Service},
    streams::ActiveStream,
    training::Training,
};
use cortop_protocol::{SessionId, headset::HeadsetStatus};

/// A live session.
pub(super) struct LiveSession {
    pub(super) id: SessionId,
    /// The connection it lives and dies with.
    pub(super) connection: u64,
    /// Its headset's place in the list.
    pub(super) place: usize,
    /// Whether it uses the licence.
    pub(super) active: bool,
    pub(super) streams: Vec<ActiveStream>,
    /// Samples of `sys` that wait to be sent.
    pub(super) events: Vec<String>,
    /// The training that is not over.
    pub(super) trial: Option<Training>,
    /// The ids of its records, the running one last.
    pub(super) records: Vec<String>,
    app: String,
    started: f64,
}

#[expect(clippy::unnecessary_wraps, reason = "every method of the table may refuse")]
impl Service {
    pub(super) fn create_session(&mut self, call: &Call<'_>) -> CallResult {
        let active = call.text("status") == "active";
        let connected = |status: &HeadsetStatus| *status == HeadsetStatus::Connected;
        let place = match call.text("headset") {
            "" => self
                .headsets
                .iter()
                .position(|headset| connected(&headset.status))
                .ok_or_else(|| ApiError::new(NO_HEADSET))?,
            id => self.place_of(id).ok_or_else(|| ApiError::new(HEADSET_UNAVAILABLE))?,
        };
        let headset = self.headsets.get(place).filter(|headset| connected(&headset.status));
        let headset = headset.ok_or_else(|| ApiError::new(HEADSET_UNAVAILABLE))?;
        if headset.on_cable() || call.now < headset.ready_at {
            return Err(ApiError::new(HEADSET_NOT_READY));
        }
        if self.sessions.iter().any(|own| own.place == place && own.app == call.app) {
            return Err(ApiError::new(SESSION_EXISTS));
        }
        if active {
            self.licence.activate(call.now)?;
        }
        let session = LiveSession {
            id: self.ids.uuid().into(),
            connection: call.connection,
            place,
            active,
            streams: Vec::new(),
            events: Vec::new(),
            trial: None,
            records: Vec::new(),
            app: call.app.clone(),
            started: call.now,
        };
        let object = self.session_json(&session, None);
        self.sessions.push(session);
        Ok(object)
    }

    pub(super) fn update_session(&mut self, call: &Call<'_>) -> CallResult {
        let at = self.session_of(call)?;
        if call.text("status") == "close" {
            let mut session = self.sessions.remove(at);
            session.streams.clear();
            self.end(&session, call.now);
            self.warn_of_end(0, &session.id);
            return Ok(self.session_json(&session, Some(call.now)));
        }
        let session = self.sessions.get_mut(at).ok_or_else(no_session)?;
        if !session.active {
            self.licence.activate(call.now)?;
            session.active = true;
        }
        self.sessions.get(at).map(|own| self.session_json(own, None)).ok_or_else(no_session)
    }

    pub(super) fn query_sessions(&mut self, call: &Call<'_>) -> CallResult {
        let own = self.sessions.iter().filter(|session| session.app == call.app);
        Ok(own.map(|session| self.session_json(session, None)).collect())
    }

    /// The place in the list of the session a request names; an application sees only its own.
    pub(super) fn session_of(&self, call: &Call<'_>) -> Result<usize, ApiError> {
        let id = call.text("session");
        let own = |session: &LiveSession| session.id.as_str() == id && session.app == call.app;
        self.sessions.iter().position(own).ok_or_else(no_session)
    }

    /// Cortex closes sessions by itself: warnings 0 and 1 for each (§2.12).
    pub(super) fn close_sessions(&mut self, now: f64, closes: impl Fn(&LiveSession) -> bool) {
        for session in self.take_sessions(closes) {
            self.end(&session, now);
            self.warn_of_end(0, &session.id);
            self.warn_of_end(1, &session.id);
        }
    }

    /// The streams of a session have stopped (0), or Cortex has closed it (1, §6.2).
    fn warn_of_end(&mut self, code: i64, id: &SessionId) {
        let behavior = if code == 0 {
            format!("Cortex has stopped all the subscriptions of session {id}.")
        } else {
            format!("Cortex has closed the session {id}.")
        };
        self.warn(code, &json!({ "behavior": behavior, "sessionId": id }));
    }

    /// What is bound to a connection dies with it (§1.5): sessions at once, its profile later.
    pub(super) fn disconnect_client(&mut self, connection: u64, now: f64) {
        for session in self.take_sessions(|session| session.connection == connection) {
            self.end(&session, now);
        }
        for session in &mut self.sessions {
            session.streams.retain(|own| own.connection != connection);
        }
        self.leave_profiles(connection, now);
        self.connections = self.connections.saturating_sub(1);
        self.trouble.forget(connection);
    }

    fn take_sessions(&mut self, which: impl Fn(&LiveSession) -> bool) -> Vec<LiveSession> {
        let (ended, others) = std::mem::take(&mut self.sessions).into_iter().partition(which);
        self.sessions = others;
        ended
    }

    /// With a session end its record and its training.
    fn end(&mut self, session: &LiveSession, now: f64) {
        if let Some(place) = self.running(session) {
            self.finish_record(place, now);
        }
        self.cancel(&ScheduledEvent::Trained(session.id.clone()));
    }

    /// The session object (§4.2).
    fn session_json(&self, session: &LiveSession, stopped: Option<f64>) -> Value {
        let status = match (stopped, session.active) {
            (Some(_), _) => "closed",
            (None, true) => "activated",
            (None, false) => "opened",
        };
        let headset = self.headsets.get(session.place);
        json!({
            "appId": self.app_id(&session.app),
            "headset": headset.map(SimulatedHeadset::to_json),
            "id": session.id,
            "license": if session.active { LICENSE_ID } else { "" },
            "owner": self.user,
            "performanceMetrics": headset.map(SimulatedHeadset::metrics_json),
            "recordIds": session.records,
            "recording": self.running(session).is_some(),
            "started": self.clock.iso(session.started),
            "status": status,
            "stopped": stopped.map_or_else(String::new, |time| self.clock.iso(time)),
            "streams": session.streams.iter().map(|own| own.stream.name()).collect::<Vec<_>>(),
        })
    }
}

fn no_session() -> ApiError {
    ApiError::new(NO_SESSION)
}

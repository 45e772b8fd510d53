//! Sessions (§2.7, §3.3, §4.2): one for each headset and application, bound to the connection that
//! made it.

use serde_json::{Value, json};

use super::{
    account::{LICENSE_ID, USER, app_id, uuid},
    dispatch::Call,
    headsets::Device,
    refusal::{
        Answer, BAD_PARAMS, HEADSET_NOT_READY, HEADSET_UNAVAILABLE, NO_HEADSET, NO_QUOTA,
        NO_SESSION, Refusal, SESSION_EXISTS,
    },
    service::Service,
    streams::Subscription,
};
use crate::cortex::{SessionId, headset::HeadsetStatus};

/// A live session.
pub(super) struct Session {
    pub(super) id: SessionId,
    /// The connection it lives and dies with.
    pub(super) connection: u64,
    /// Its headset's place in the list.
    pub(super) place: usize,
    /// Whether it uses the licence.
    pub(super) active: bool,
    pub(super) streams: Vec<Subscription>,
    app: String,
    started: f64,
}

#[expect(clippy::unnecessary_wraps, reason = "every method of the table may refuse")]
impl Service {
    pub(super) fn create_session(&mut self, call: &Call<'_>) -> Answer {
        let active = match call.text("status") {
            "active" => true,
            "open" => false,
            _ => return Err(Refusal::new(BAD_PARAMS)),
        };
        let connected = |status: &HeadsetStatus| *status == HeadsetStatus::Connected;
        let place = match call.text("headset") {
            "" => self
                .headsets
                .iter()
                .position(|headset| connected(&headset.status))
                .ok_or_else(|| Refusal::new(NO_HEADSET))?,
            id => self.place_of(id).ok_or_else(|| Refusal::new(HEADSET_UNAVAILABLE))?,
        };
        let headset = self.headsets.get(place).filter(|headset| connected(&headset.status));
        let headset = headset.ok_or_else(|| Refusal::new(HEADSET_UNAVAILABLE))?;
        if call.now < headset.since + self.delays.settle.as_secs_f64() {
            return Err(Refusal::new(HEADSET_NOT_READY));
        }
        if self.sessions.iter().any(|own| own.place == place && own.app == call.app) {
            return Err(Refusal::new(SESSION_EXISTS));
        }
        if active {
            self.debit()?;
        }
        let session = Session {
            id: uuid().into(),
            connection: call.connection,
            place,
            active,
            streams: Vec::new(),
            app: call.app.clone(),
            started: call.now,
        };
        let object = self.session_json(&session, None);
        self.sessions.push(session);
        Ok(object)
    }

    pub(super) fn update_session(&mut self, call: &Call<'_>) -> Answer {
        let at = self.session_of(call)?;
        match call.text("status") {
            "active" => {
                if self.sessions.get(at).is_some_and(|session| !session.active) {
                    self.debit()?;
                }
                if let Some(session) = self.sessions.get_mut(at) {
                    session.active = true;
                }
                self.sessions.get(at).map(|own| self.session_json(own, None)).ok_or_else(no_session)
            }
            "close" => {
                let mut session = self.sessions.remove(at);
                session.streams.clear();
                Ok(self.session_json(&session, Some(call.now)))
            }
            _ => Err(Refusal::new(BAD_PARAMS)),
        }
    }

    pub(super) fn query_sessions(&mut self, call: &Call<'_>) -> Answer {
        let own = self.sessions.iter().filter(|session| session.app == call.app);
        Ok(own.map(|session| self.session_json(session, None)).collect())
    }

    /// The place in the list of the session a request names; an application sees only its own.
    pub(super) fn session_of(&self, call: &Call<'_>) -> Result<usize, Refusal> {
        let id = call.text("session");
        let own = |session: &Session| session.id.as_str() == id && session.app == call.app;
        self.sessions.iter().position(own).ok_or_else(no_session)
    }

    /// Cortex closes sessions by itself: warnings 0 and 1 for each (§2.12).
    pub(super) fn close_sessions(&mut self, closes: impl Fn(&Session) -> bool) {
        let (ended, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.sessions).into_iter().partition(closes);
        self.sessions = others;
        for Session { id, .. } in ended {
            let silenced = format!("Cortex has stopped all the subscriptions of session {id}.");
            let over = format!("Cortex has closed the session {id}.");
            for (code, behavior) in [(0, silenced), (1, over)] {
                self.warn(code, &json!({ "behavior": behavior, "sessionId": id }));
            }
        }
    }

    /// What is bound to a connection dies with it (§1.5).
    pub(super) fn disconnect_client(&mut self, connection: u64) {
        self.sessions.retain(|session| session.connection != connection);
        self.connections = self.connections.saturating_sub(1);
        self.trouble.forget(connection);
    }

    /// Takes one activation from the quota of this computer.
    fn debit(&mut self) -> Result<(), Refusal> {
        let left = self.licence.quota.checked_sub(1).ok_or_else(|| Refusal::new(NO_QUOTA))?;
        self.licence.quota = left;
        self.licence.sessions += 1;
        Ok(())
    }

    /// The session object (§4.2).
    fn session_json(&self, session: &Session, stopped: Option<f64>) -> Value {
        let status = match (stopped, session.active) {
            (Some(_), _) => "closed",
            (None, true) => "activated",
            (None, false) => "opened",
        };
        let headset = self.headsets.get(session.place);
        json!({
            "appId": app_id(),
            "headset": headset.map(Device::to_json),
            "id": session.id,
            "license": if session.active { LICENSE_ID } else { "" },
            "owner": USER,
            "performanceMetrics": headset.map(Device::metrics_json),
            "recordIds": [],
            "recording": false,
            "started": self.clock.iso(session.started),
            "status": status,
            "stopped": stopped.map_or_else(String::new, |time| self.clock.iso(time)),
            "streams": session.streams.iter().map(|own| own.stream.name()).collect::<Vec<_>>(),
        })
    }
}

fn no_session() -> Refusal {
    Refusal::new(NO_SESSION)
}

//! Sessions (§2.7, §3.3, §4.2): one per headset and application, bound to the connection that
//! created it.

use serde_json::{Value, json};

use super::{
    account::Account,
    api_error::{ApiError, CallResult},
    call::Call,
    detection::Training,
    environment::{Environment, ScheduledEvent},
    fault_injector::FaultInjector,
    headset::SimulatedHeadset,
    headsets::Headsets,
    licence::LICENSE_ID,
    records::Records,
};
use cortop_protocol::{
    SessionId, Stream,
    code::{
        error::{HEADSET_NOT_READY, HEADSET_UNAVAILABLE, NO_HEADSET, NO_SESSION, SESSION_EXISTS},
        warning,
    },
    headset::HeadsetStatus,
};

/// A live session.
pub(super) struct LiveSession {
    pub(super) id: SessionId,
    /// The connection to which it is bound.
    pub(super) connection: u64,
    /// Its headset's index in the list.
    pub(super) place: usize,
    /// Whether it uses the licence.
    pub(super) active: bool,
    pub(super) streams: Vec<ActiveStream>,
    /// Samples of `sys` that wait to be sent.
    pub(super) events: Vec<String>,
    /// The training in progress.
    pub(super) training: Option<Training>,
    /// The ids of its records, newest last.
    pub(super) records: Vec<String>,
    /// The id of the record that is running.
    pub(super) running_record: Option<String>,
    app: String,
    /// When it was created, by the wall clock at that moment.
    started: String,
}

/// A stream to which a session has subscribed.
pub(super) struct ActiveStream {
    pub(super) stream: Stream,
    /// The connection that subscribed, which may differ from the one that created the session.
    pub(super) connection: u64,
    /// Index of the next sample.
    pub(super) next: u64,
    /// The distance to the sample after that.
    pub(super) step: u64,
}

/// All live sessions.
#[derive(Default)]
pub(super) struct Sessions(pub(super) Vec<LiveSession>);

impl Sessions {
    /// `createSession`.
    pub(super) fn create(
        &mut self,
        call: &Call<'_>,
        env: &mut Environment,
        headsets: &Headsets,
        account: &mut Account,
    ) -> CallResult {
        let active = call.text("status") == "active";
        let connected = |headset: &SimulatedHeadset| headset.status == HeadsetStatus::Connected;
        let place = match call.text("headset") {
            "" => {
                let first = headsets.0.iter().position(connected);
                first.ok_or_else(|| ApiError::new(NO_HEADSET))?
            }
            id => headsets.place_of(id).ok_or_else(|| ApiError::new(HEADSET_UNAVAILABLE))?,
        };
        let headset = headsets.get(place).filter(|headset| connected(headset));
        let headset = headset.ok_or_else(|| ApiError::new(HEADSET_UNAVAILABLE))?;
        if headset.on_cable() || call.now < headset.ready_at {
            return Err(ApiError::new(HEADSET_NOT_READY));
        }
        if self.0.iter().any(|own| own.place == place && own.app == call.app) {
            return Err(ApiError::new(SESSION_EXISTS));
        }
        if active {
            account.licence.activate(call.now)?;
        }
        let session = LiveSession {
            id: env.ids.uuid().into(),
            connection: call.connection,
            place,
            active,
            streams: Vec::new(),
            events: Vec::new(),
            training: None,
            records: Vec::new(),
            running_record: None,
            app: call.app.clone(),
            started: env.clock.iso(call.now),
        };
        let object = session.to_json(None, env, headsets, account);
        self.0.push(session);
        Ok(object)
    }

    /// `updateSession`.
    pub(super) fn update(
        &mut self,
        call: &Call<'_>,
        env: &mut Environment,
        headsets: &Headsets,
        account: &mut Account,
        records: &mut Records,
        faults: &FaultInjector,
    ) -> CallResult {
        if call.text("status") == "close" {
            let place = self.place_of(call)?;
            let mut session = self.0.remove(place);
            session.streams.clear();
            session.end(call.now, env, records);
            let headset = headsets.get(session.place);
            if !headset.is_some_and(|own| faults.closes_silently(call.connection, &own.id)) {
                session.warn_of_end(warning::STREAMS_STOPPED, env);
            }
            return Ok(session.to_json(Some(call.now), env, headsets, account));
        }
        let session = self.find_mut(call)?;
        if !session.active {
            account.licence.activate(call.now)?;
            session.active = true;
        }
        Ok(session.to_json(None, env, headsets, account))
    }

    /// `querySessions`.
    pub(super) fn query(
        &self,
        call: &Call<'_>,
        env: &Environment,
        headsets: &Headsets,
        account: &Account,
    ) -> Value {
        let own = self.0.iter().filter(|session| session.app == call.app);
        own.map(|session| session.to_json(None, env, headsets, account)).collect()
    }

    /// The session that a request names; an application sees only its own.
    pub(super) fn find(&self, call: &Call<'_>) -> Result<&LiveSession, ApiError> {
        self.0.iter().find(|own| own.is_named(call)).ok_or_else(|| ApiError::new(NO_SESSION))
    }

    /// Like [`find`](Self::find), mutable.
    pub(super) fn find_mut(&mut self, call: &Call<'_>) -> Result<&mut LiveSession, ApiError> {
        self.0.iter_mut().find(|own| own.is_named(call)).ok_or_else(|| ApiError::new(NO_SESSION))
    }

    fn place_of(&self, call: &Call<'_>) -> Result<usize, ApiError> {
        let place = self.0.iter().position(|own| own.is_named(call));
        place.ok_or_else(|| ApiError::new(NO_SESSION))
    }

    /// Cortex itself closes sessions, with two warnings for each (§2.12).
    pub(super) fn close(
        &mut self,
        now: f64,
        env: &mut Environment,
        records: &mut Records,
        closes: impl Fn(&LiveSession) -> bool,
    ) {
        for mut session in self.0.extract_if(.., |session| closes(session)) {
            session.end(now, env, records);
            session.warn_of_end(warning::STREAMS_STOPPED, env);
            session.warn_of_end(warning::SESSION_CLOSED, env);
        }
    }

    /// Ends the sessions of a closed connection (§1.5), and its subscriptions in other sessions,
    /// without a warning.
    pub(super) fn drop_connection(
        &mut self,
        connection: u64,
        now: f64,
        env: &mut Environment,
        records: &mut Records,
    ) {
        for mut session in self.0.extract_if(.., |own| own.connection == connection) {
            session.end(now, env, records);
        }
        for session in &mut self.0 {
            session.streams.retain(|own| own.connection != connection);
        }
    }
}

impl LiveSession {
    fn is_named(&self, call: &Call<'_>) -> bool {
        self.id.as_str() == call.text("session") && self.app == call.app
    }

    /// Ends its record and its training.
    fn end(&mut self, now: f64, env: &mut Environment, records: &mut Records) {
        if let Some(record) = self.running_record.take() {
            records.finish(&record, now, env);
        }
        env.cancel(&ScheduledEvent::TrainingEnd(self.id.clone()));
    }

    /// Warns that its streams have stopped, or that Cortex has closed it (§6.2).
    fn warn_of_end(&self, code: i64, env: &mut Environment) {
        let id = &self.id;
        let behavior = if code == warning::STREAMS_STOPPED {
            format!("Cortex has stopped all the subscriptions of session {id}.")
        } else {
            format!("Cortex has closed the session {id}.")
        };
        env.warn(code, &json!({ "behavior": behavior, "sessionId": id }));
    }

    /// The session object (§4.2).
    fn to_json(
        &self,
        stopped: Option<f64>,
        env: &Environment,
        headsets: &Headsets,
        account: &Account,
    ) -> Value {
        let status = match (stopped, self.active) {
            (Some(_), _) => "closed",
            (None, true) => "activated",
            (None, false) => "opened",
        };
        let headset = headsets.get(self.place);
        json!({
            "appId": account.app_id(&self.app),
            "headset": headset.map(SimulatedHeadset::to_json),
            "id": self.id,
            "license": if self.active { LICENSE_ID } else { "" },
            "owner": account.user,
            "performanceMetrics": headset.map(SimulatedHeadset::metrics_json),
            "recordIds": self.records,
            "recording": self.running_record.is_some(),
            "started": self.started,
            "status": status,
            "stopped": stopped.map_or_else(String::new, |time| env.clock.iso(time)),
            "streams": self.streams.iter().map(|own| own.stream.name()).collect::<Vec<_>>(),
        })
    }
}

//! What the tasks of one connection share: how to send requests, events and reports, the account, and
//! what the service last listed. The account outlives the connection.

use std::sync::Arc;

use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::sync::{broadcast, mpsc, watch};

use super::{
    ClientConfig, ConnectionStep, Event,
    clock::Clocks,
    event_sender::EventSender,
    link::LinkNotice,
    record_log::RecordLog,
    rpc::{Request, Rpc},
    state::DesiredSessions,
    user_account::AccountState,
};
use cortop_protocol::{Error, Headset, HeadsetId, Method, RecordEvent, Session, SessionId, Stream};

/// What the tasks report to their connection.
pub(super) enum TaskReport {
    /// How far signing in has come.
    SigningIn(ConnectionStep),
    /// Cortex refused to sign the application in, and only the user can change that.
    SignInRefused(Error),
    /// There is a token, and it may be used.
    SignedIn,
    /// A request was refused for want of what signing in had reached: login, approval, token.
    SignedOut,
    /// The list of headsets is fresh.
    Looked,
    /// A scan could not be started.
    NotScanning,
    /// How far a headset has come.
    Headset(HeadsetId, HeadsetProgress),
}

/// How far a headset has come.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum HeadsetProgress {
    /// It is not there.
    Away,
    /// It is being connected.
    Connecting,
    /// Its session is being opened.
    Opening,
    /// It has a session.
    Live {
        session: SessionId,
        /// Another program opened it: it is not ours to change unasked.
        foreign: bool,
        /// The streams that cortop subscribed in it, or is about to.
        streams: Vec<Stream>,
        /// Whether at least one of them flows; not known while subscribing.
        flowing: Option<bool>,
        /// Whether it is enough that none does: another program's session is looked at.
        watching: bool,
    },
    /// Refused; waiting for the user, or for better times.
    Stopped(Error),
    /// Let go. Whether the user has ordered the next session meanwhile.
    Over { reopen: bool },
}

impl HeadsetProgress {
    /// The refusal that it stands still at.
    pub(super) fn stopped_by(&self) -> Option<&Error> {
        match self {
            Self::Stopped(refusal) => Some(refusal),
            _ => None,
        }
    }
}

/// What the tasks of one connection share.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) config: Arc<ClientConfig>,
    pub(super) rpc: Rpc,
    pub(super) account: Arc<AccountState>,
    pub(super) desired: Arc<DesiredSessions>,
    pub(super) record_log: Arc<RecordLog>,
    pub(super) clocks: Arc<Clocks>,
    pub(super) events: EventSender,
    pub(super) reports: mpsc::Sender<TaskReport>,
    pub(super) notices: broadcast::Sender<LinkNotice>,
    pub(super) headsets: watch::Sender<Vec<Headset>>,
    pub(super) sessions: watch::Sender<Vec<Session>>,
    /// Has headsets and sessions polled now rather than at the next turn.
    pub(super) refresh: watch::Sender<()>,
    /// The version of the service, once it is known.
    pub(super) version: watch::Sender<String>,
    /// Has what waits tried again now.
    pub(super) retry: watch::Sender<()>,
}

impl Context {
    /// Has headsets and sessions polled now.
    pub(super) fn refresh_now(&self) {
        self.refresh.send_replace(());
    }

    pub(super) async fn report(&self, report: TaskReport) {
        // Without a receiver the connection is over, and so is this task.
        let _ = self.reports.send(report).await;
    }

    /// Reports how far a headset has come.
    pub(super) async fn report_progress(&self, headset: &HeadsetId, progress: HeadsetProgress) {
        self.report(TaskReport::Headset(headset.clone(), progress)).await;
    }

    /// What the service last showed of a headset.
    pub(super) fn headset(&self, id: &HeadsetId) -> Option<Headset> {
        self.headsets.borrow().iter().find(|headset| headset.id == *id).cloned()
    }

    /// Asks without a token.
    pub(super) async fn ask(&self, method: Method, params: Value) -> Result<Value, Error> {
        self.rpc.call(Request::new(method, params)).await
    }

    /// Asks with client id and secret.
    pub(super) async fn ask_as_application(
        &self,
        method: Method,
        mut params: Value,
    ) -> Result<Value, Error> {
        params["clientId"] = self.config.client_id.expose_secret().into();
        params["clientSecret"] = self.config.client_secret.expose_secret().into();
        self.ask(method, params).await
    }

    /// Sends that a session is gone, and with it the record that runs in it.
    pub(super) async fn closed(&self, session: &SessionId, why: &str) {
        self.send_closed(session, why, false).await;
    }

    /// The same where the user wanted it.
    pub(super) async fn closed_as_ordered(&self, session: &SessionId, why: &str) {
        self.send_closed(session, why, true).await;
    }

    async fn send_closed(&self, session: &SessionId, why: &str, ordered: bool) {
        self.record_ended(session, why, ordered).await;
        let closed = Event::Closed { session: session.clone(), why: why.to_owned(), ordered };
        self.events.send(closed).await;
    }

    /// Sends that the record of a session has ended, if one was running; whether the user wanted it.
    pub(super) async fn record_ended(&self, session: &SessionId, why: &str, ordered: bool) {
        if let Some(record) = self.record_log.end(session) {
            let (session, why) = (session.clone(), why.to_owned());
            let ended = RecordEvent::Ended { session, record, why, ordered };
            self.events.send(Event::Record(ended)).await;
        }
    }

    /// Sends that another program's session, and the record that runs in it, are no longer followed.
    pub(super) async fn released(&self, session: &SessionId, why: &str) {
        if let Some(record) = self.record_log.forget_running(session) {
            let session = session.clone();
            self.events.send(Event::Record(RecordEvent::OutOfSight { session, record })).await;
        }
        let released = Event::Released { session: session.clone(), why: why.to_owned() };
        self.events.send(released).await;
    }

    /// Counts that a session was activated for us.
    pub(super) async fn count_activation(&self) {
        let used = self.account.count_activation();
        self.events.send(Event::Activated { used }).await;
    }

    /// Notes who is logged in, and forgets what is known of another user.
    pub(super) fn sign_in_as(&self, user: &str) {
        if self.account.sign_in(user) {
            self.record_log.forget();
        }
        self.desired.sign_in(user);
    }
}

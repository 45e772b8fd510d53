//! What the tasks of one connection share: how to send requests, events and reports; the account,
//! which outlives the connection; and what the service last listed.

use std::sync::Arc;

use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::sync::{broadcast, mpsc, watch};

use super::{
    ClientConfig, ConnectionStep, Event,
    clock::Clocks,
    credentials::CurrentCredentials,
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
    /// There is a usable token.
    SignedIn,
    /// A request was refused because something that signing in had reached is missing: login,
    /// approval or token.
    SignedOut,
    /// The list of headsets was refreshed.
    Looked,
    /// A scan could not be started.
    NotScanning,
    /// How far a headset has come.
    Headset(HeadsetId, HeadsetProgress),
}

/// How far a headset has come.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum HeadsetProgress {
    /// It is not visible.
    Away,
    /// It is being connected.
    Connecting,
    /// Its session is being opened.
    Opening,
    /// It has a session.
    Live {
        session: SessionId,
        /// Another program opened it, so cortop must not change it without being asked.
        foreign: bool,
        /// The streams that cortop has subscribed to in it, or is about to.
        streams: Vec<Stream>,
        /// Whether at least one of them is running; unknown while subscribing.
        flowing: Option<bool>,
        /// Whether no running stream is fine, because another program's session is being followed.
        watching: bool,
    },
    /// Refused; waiting for the user, or for a retry.
    Stopped(Error),
    /// Released.
    Over {
        /// The user has ordered the next session meanwhile.
        reopen: bool,
        /// Another program's session, which was followed, has ended by itself.
        theirs_ended: bool,
    },
}

impl HeadsetProgress {
    /// The refusal that it is stuck at.
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
    pub(super) credentials: Arc<CurrentCredentials>,
    pub(super) account: Arc<AccountState>,
    pub(super) desired: Arc<DesiredSessions>,
    pub(super) record_log: Arc<RecordLog>,
    pub(super) clocks: Arc<Clocks>,
    pub(super) events: EventSender,
    pub(super) reports: mpsc::Sender<TaskReport>,
    pub(super) notices: broadcast::Sender<LinkNotice>,
    pub(super) headsets: watch::Sender<Vec<Headset>>,
    pub(super) sessions: watch::Sender<Vec<Session>>,
    /// Wakes the pollers of headsets and sessions ahead of time.
    pub(super) refresh: watch::Sender<()>,
    /// The version of the service, once it is known.
    pub(super) version: watch::Sender<String>,
    /// Wakes whatever waits to retry.
    pub(super) retry: watch::Sender<()>,
}

impl Context {
    /// Polls headsets and sessions now.
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

    /// A headset as the service last listed it.
    pub(super) fn headset(&self, id: &HeadsetId) -> Option<Headset> {
        self.headsets.borrow().iter().find(|headset| headset.id == *id).cloned()
    }

    /// Sends a request without a token.
    pub(super) async fn ask(&self, method: Method, params: Value) -> Result<Value, Error> {
        self.rpc.call(Request::new(method, params)).await
    }

    /// Sends a request with client id and secret.
    pub(super) async fn ask_as_application(
        &self,
        method: Method,
        mut params: Value,
    ) -> Result<Value, Error> {
        let credentials = self.credentials.now();
        params["clientId"] = credentials.id.expose_secret().into();
        params["clientSecret"] = credentials.secret.expose_secret().into();
        let answer = self.ask(method, params).await;
        answer.map_err(|refusal| self.credentials.explain(refusal))
    }

    /// Takes credentials that the user has corrected meanwhile. A token of other ones is forgotten.
    pub(super) async fn read_credentials_again(&self) {
        if self.credentials.read_again().await {
            tracing::info!("the client id or the client secret has changed");
            self.account.sign_out();
        }
    }

    /// Reports that a session is gone, and with it the record that runs in it.
    pub(super) async fn closed(&self, session: &SessionId, why: &str) {
        self.send_closed(session, why, false).await;
    }

    /// Like [`closed`](Self::closed), when the user wanted it.
    pub(super) async fn closed_as_ordered(&self, session: &SessionId, why: &str) {
        self.send_closed(session, why, true).await;
    }

    async fn send_closed(&self, session: &SessionId, why: &str, ordered: bool) {
        self.record_ended(session, why, ordered).await;
        let closed = Event::Closed { session: session.clone(), why: why.to_owned(), ordered };
        self.events.send(closed).await;
    }

    /// Reports that the record of a session has ended, if one was running. `ordered`: the user
    /// wanted it.
    pub(super) async fn record_ended(&self, session: &SessionId, why: &str, ordered: bool) {
        if let Some(record) = self.record_log.end(session) {
            let (session, why) = (session.clone(), why.to_owned());
            let ended = RecordEvent::Ended { session, record, why, ordered };
            self.events.send(Event::Record(ended)).await;
        }
    }

    /// Reports that another program's session, and the record that runs in it, are no longer
    /// followed.
    pub(super) async fn released(&self, session: &SessionId, why: &str) {
        if let Some(record) = self.record_log.forget_running(session) {
            let session = session.clone();
            self.events.send(Event::Record(RecordEvent::OutOfSight { session, record })).await;
        }
        let released = Event::Released { session: session.clone(), why: why.to_owned() };
        self.events.send(released).await;
    }

    /// Counts a session that was activated for us.
    pub(super) async fn count_activation(&self) {
        let used = self.account.count_activation();
        self.events.send(Event::Activated { used }).await;
    }

    /// Notes who is logged in. If the user has changed, forgets what is known of the previous one.
    pub(super) fn sign_in_as(&self, user: &str) {
        if self.account.sign_in(user) {
            self.record_log.forget();
        }
        self.desired.sign_in(user);
    }
}

//! What the tasks of one connection share: the way to ask, the account, what the service last
//! showed, and the way to tell. The account outlives the connection.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::{
    sync::{broadcast, mpsc, watch},
    time::timeout,
};

use super::{
    CommandId, Config, Event, Step,
    clock::Clocks,
    link::Notice,
    records::{self, Journal},
    rpc::{Request, Rpc},
    secrets::Secrets,
    state::{Account, Wishes},
};
use cortop_protocol::{
    Error, Headset, HeadsetId, Method, Session, SessionId, Stream, account::Licence,
    tolerant::Members,
};

/// How long an event may wait for the application before it is dropped.
const EVENT: Duration = Duration::from_secs(1);

/// Sessions whose headsets are remembered for the log.
const SESSIONS: usize = 256;

/// The way to the application.
#[derive(Clone)]
pub(super) struct Outbox {
    events: mpsc::Sender<Event>,
    /// What no line of the log may hold.
    pub(super) secrets: Secrets,
    /// The headset of each session, so that each line of the log can name it.
    headsets: Arc<Mutex<BTreeMap<SessionId, HeadsetId>>>,
}

impl Outbox {
    pub(super) fn new(events: mpsc::Sender<Event>) -> Self {
        Self { events, secrets: Secrets::default(), headsets: Arc::default() }
    }

    /// The headset of the session that an event is about, as the beginning of a line.
    fn of(&self, event: &Event) -> String {
        let mut headsets = self.headsets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Event::Session(session) = event
            && !session.headset.id.as_str().is_empty()
        {
            if headsets.len() >= SESSIONS && !headsets.contains_key(&session.id) {
                headsets.pop_first();
            }
            headsets.insert(session.id.clone(), session.headset.id.clone());
        }
        let headset = event.session().and_then(|session| headsets.get(session));
        headset.map_or_else(String::new, |headset| format!("{headset}: "))
    }

    /// Waits for room, but not for ever: an application that waits for the client's end without
    /// reading on must not hold it up.
    pub(super) async fn tell(&self, event: Event) {
        event.log(&self.of(&event), &self.secrets);
        if timeout(EVENT, self.events.send(event)).await.is_err() {
            tracing::warn!("the application takes no events: one was dropped");
        }
    }

    pub(super) async fn refused(&self, refusal: Error) {
        self.tell(Event::Refused(refusal)).await;
    }

    /// Reports how a command ended: under its id if it has one, else only if it was refused.
    pub(super) async fn ended(&self, command: Option<CommandId>, outcome: Result<(), Error>) {
        match (command, outcome) {
            (Some(command), outcome) => self.tell(Event::Outcome { command, outcome }).await,
            (None, Err(refusal)) => self.refused(refusal).await,
            (None, Ok(())) => {}
        }
    }
}

/// What the tasks tell the flow.
pub(super) enum Report {
    /// How far signing in has come.
    SigningIn(Step),
    /// There is a token, and it may be used.
    SignedIn,
    /// A request was refused for want of what signing in had reached: login, approval, token.
    SignedOut,
    /// The list of headsets is fresh.
    Looked,
    /// A scan could not be started.
    NotScanning,
    /// How far a headset has come.
    Headset(HeadsetId, Stage),
}

/// How far a headset has come.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stage {
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

impl Stage {
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
    pub(super) config: Arc<Config>,
    pub(super) rpc: Rpc,
    pub(super) account: Arc<Account>,
    pub(super) wishes: Arc<Wishes>,
    pub(super) journal: Arc<Journal>,
    pub(super) clocks: Arc<Clocks>,
    pub(super) outbox: Outbox,
    pub(super) reports: mpsc::Sender<Report>,
    pub(super) notices: broadcast::Sender<Notice>,
    pub(super) headsets: watch::Sender<Vec<Headset>>,
    pub(super) sessions: watch::Sender<Vec<Session>>,
    /// Have the service looked at now rather than at the next turn.
    pub(super) look: watch::Sender<()>,
    /// The version of the service, once it has told.
    pub(super) version: watch::Sender<String>,
    /// Have what waits tried again now.
    pub(super) retry: watch::Sender<()>,
}

impl Context {
    /// Has headsets and sessions looked at now.
    pub(super) fn look_now(&self) {
        self.look.send_replace(());
    }

    pub(super) async fn report(&self, report: Report) {
        // Without a receiver the connection is over, and so is this task.
        let _ = self.reports.send(report).await;
    }

    /// Reports how far a headset has come.
    pub(super) async fn stage(&self, headset: &HeadsetId, stage: Stage) {
        self.report(Report::Headset(headset.clone(), stage)).await;
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

    /// Tells that a session is gone, and with it the record that runs in it.
    pub(super) async fn closed(&self, session: &SessionId, why: &str) {
        self.over(session, why, false).await;
    }

    /// The same where the user wanted it.
    pub(super) async fn closed_as_ordered(&self, session: &SessionId, why: &str) {
        self.over(session, why, true).await;
    }

    async fn over(&self, session: &SessionId, why: &str, ordered: bool) {
        records::end(self, session, why).await;
        let closed = Event::Closed { session: session.clone(), why: why.to_owned(), ordered };
        self.outbox.tell(closed).await;
    }

    /// Tells that another program's session is out of sight, and with it the record that runs in it.
    pub(super) async fn released(&self, session: &SessionId, why: &str) {
        records::lose_sight(self, session).await;
        let released = Event::Released { session: session.clone(), why: why.to_owned() };
        self.outbox.tell(released).await;
    }

    /// Reads the licence (§4.6) and tells it, or why it cannot be read. Without one sessions are
    /// opened without it.
    pub(super) async fn read_licence(&self) {
        if let Err(failure) = self.ask_licence().await {
            self.outbox.refused(failure).await;
        }
    }

    /// The licence (§4.6) as it is now.
    pub(super) async fn ask_licence(&self) -> Result<Licence, Error> {
        let answer = self.ask_as_user(Method::GetLicenseInfo, json!({})).await?;
        let licence = Licence::from_answer(answer);
        self.account.set_licence(licence.clone());
        self.outbox.tell(Event::Licence(licence.clone())).await;
        Ok(licence)
    }

    /// Notes who is logged in: what is known of another user is forgotten.
    pub(super) fn sign_in_as(&self, user: &str) {
        if self.account.sign_in(user) {
            self.journal.forget();
        }
        self.wishes.sign_in(user);
    }
}

/// `accessGranted` of §2.3.
pub(super) fn is_granted(answer: Value) -> bool {
    Members::of("access right", answer).flag("accessGranted")
}

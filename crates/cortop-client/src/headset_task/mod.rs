//! The task that keeps one headset streaming: connects it, opens a session, subscribes (§2.8),
//! holds the session, and starts over when it is lost (§2.12). Each headset has a task of its own,
//! so that several headsets stream side by side.
//!
//! A session of ours that ended with its headset or connection is reopened. One that was closed (by
//! the user, by Cortex, by another program) stays closed. Another program's session is only
//! followed: it is released when it ends, and never reopened. Whether it makes way for a session of
//! ours is up to the connection.

mod hold;
mod streams;

use std::{pin::pin, time::Duration};

use serde_json::json;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

use super::{
    CommandId, Event, SessionMode,
    connect_headset::{self, NoticeReceiver},
    context::{Context, HeadsetProgress},
    open_session::{self, Cancellation, OpenedSession, SessionOrigin},
    records,
    rpc::AnswerEffect,
    state::LastSession,
};
use cortop_protocol::{
    Error, ErrorKind, ErrorSubject, Headset, HeadsetId, Method, Session, SessionId, Stream,
    session::SessionStatus,
};

/// The pause after a loss, during which the list of headsets is refreshed; doubled up to
/// `LONGEST_PAUSE` while sessions last no longer than `STEADY`.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const STEADY: Duration = Duration::from_secs(30);

/// Before retrying after a refusal that may be temporary.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Orders of the connection to a headset's task.
#[derive(Clone, Debug)]
pub(super) enum TaskOrder {
    /// The user wants a session, in this mode if one is given.
    Open(Option<SessionMode>),
    /// Try again now.
    Retry,
    /// Change a session; refused if it is not the held one. With the id of the command, if it has
    /// one.
    Change(SessionId, SessionChange, Option<CommandId>),
}

/// A change of a session.
#[derive(Clone, Debug)]
pub(super) enum SessionChange {
    /// Activate it.
    Activate,
    /// Subscribe to more streams.
    Subscribe(Vec<Stream>),
    /// Unsubscribe from streams.
    Unsubscribe(Vec<Stream>),
    /// Close it and end.
    Close,
    /// Leave another program's session, and end.
    Release,
}

impl SessionChange {
    /// The method that requests this change.
    pub(super) const fn method(&self) -> Method {
        match self {
            Self::Activate | Self::Close => Method::UpdateSession,
            Self::Subscribe(_) => Method::Subscribe,
            Self::Unsubscribe(_) | Self::Release => Method::Unsubscribe,
        }
    }
}

/// Keeps one headset streaming.
pub(super) struct HeadsetTask {
    context: Context,
    headset: HeadsetId,
    /// The last session on this headset, which was lost.
    last: Option<LastSession>,
    orders: mpsc::Receiver<TaskOrder>,
    called_off: Cancellation,
    notices: NoticeReceiver,
    /// The pause after the next loss.
    pause: Duration,
}

/// A session that is held.
struct HeldSession {
    session: Session,
    mode: SessionMode,
    /// Whether another program opened it.
    foreign: bool,
    since: Instant,
    /// The streams that cortop has subscribed to.
    streams: Vec<Stream>,
    refused: Vec<(Stream, Error)>,
    /// Streams of a foreign session that were running before cortop came.
    theirs: Vec<Stream>,
    /// When to subscribe again to what a refused `subscribe` left out, and the pause after that.
    retry_at: Option<Instant>,
    pause: Duration,
}

/// How holding a session ended.
enum HoldEnd {
    /// With its headset: reopen it.
    Lost(Box<HeldSession>),
    /// For good.
    Over,
    /// For good; it was another program's, and nobody here has ended it.
    TheirsEnded,
}

impl HeadsetTask {
    /// `last`: the session on this headset before the connection was lost.
    pub(super) fn new(
        context: Context,
        headset: HeadsetId,
        last: Option<LastSession>,
        orders: mpsc::Receiver<TaskOrder>,
        called_off: watch::Receiver<bool>,
    ) -> Self {
        let notices = NoticeReceiver::new(&context);
        let called_off = Cancellation(called_off);
        Self { context, headset, last, orders, called_off, notices, pause: FIRST_PAUSE }
    }

    /// Runs until the session is over for good, or the connection ends.
    pub(super) async fn run(mut self) {
        let mut lost = None;
        let theirs_ended = loop {
            match self.establish(lost.take()).await {
                Ok(Some(held)) => match self.hold(held).await {
                    HoldEnd::Lost(held) => lost = Some(*held),
                    HoldEnd::Over => break false,
                    HoldEnd::TheirsEnded => break true,
                },
                Ok(None) => break !*self.called_off.0.borrow(),
                Err(error) => {
                    let passing = error.kind.is_transient();
                    self.context.events.send_error(error.clone()).await;
                    self.report_progress(HeadsetProgress::Stopped(error)).await;
                    if !self.wait_to_retry(passing).await {
                        break false;
                    }
                }
            }
        };
        // From now on the connection starts another task when one is wanted.
        self.orders.close();
        let reopen = self.take_orders().await;
        self.report_progress(HeadsetProgress::Over { reopen, theirs_ended }).await;
    }

    async fn report_progress(&self, progress: HeadsetProgress) {
        self.context.report_progress(&self.headset, progress).await;
    }

    /// Takes the orders that wait while no session is held. Returns whether the user wants one.
    async fn take_orders(&mut self) -> bool {
        let mut open = false;
        while let Ok(order) = self.orders.try_recv() {
            open |= matches!(order, TaskOrder::Open(_));
            self.take_order(order).await;
        }
        open
    }

    /// Takes an order that came while no session is held. Returns whether to try for one now.
    async fn take_order(&mut self, order: TaskOrder) -> bool {
        match order {
            TaskOrder::Open(mode) => {
                self.context.desired.request(&self.headset, mode, self.last.is_some());
                true
            }
            TaskOrder::Retry => true,
            TaskOrder::Change(session, change, id) => {
                self.context
                    .events
                    .send_outcome(id, Err(not_held(change.method(), &session)))
                    .await;
                false
            }
        }
    }

    /// Waits for the user, for the headset to change, or for the next attempt. Returns `false` if
    /// called off.
    async fn wait_to_retry(&mut self, passing: bool) -> bool {
        let until = Instant::now() + LONGEST_PAUSE;
        let context = self.context.clone();
        let headset = self.headset.clone();
        let mut changed = pin!(connect_headset::changed(&context, &headset));
        loop {
            tokio::select! {
                () = self.called_off.wait() => return false,
                order = self.orders.recv() => match order {
                    Some(order) => if self.take_order(order).await {
                        return true;
                    },
                    None => return false,
                },
                () = &mut changed => return true,
                () = sleep_until(until), if passing => return true,
            }
        }
    }

    /// Waits for the headset, connects it, opens a session and subscribes. Returns `None` if called
    /// off, or if the only session to be followed was another program's and it is gone. `lost`: the
    /// session that was held.
    async fn establish(&mut self, lost: Option<HeldSession>) -> Result<Option<HeldSession>, Error> {
        tokio::select! {
            reached = connect_headset::reach_headset(&self.context, &self.headset, &mut self.notices) => reached?,
            () = self.called_off.wait() => return Ok(None),
        }
        if let Some(lost) = lost
            && self.notices.has_resumed().await
        {
            self.send_session(&lost).await;
            return Ok(Some(lost));
        }
        self.take_orders().await;
        self.report_progress(HeadsetProgress::Opening).await;
        // How the headset was lost earlier must not end the next session.
        self.notices.forget();
        let mut adopt = true;
        loop {
            let before = self.last.as_ref();
            let opened = if before.is_some_and(|last| last.foreign) {
                open_session::find_session(&self.context, &self.headset, before, None).await
            } else {
                let (context, headset) = (&self.context, &self.headset);
                open_session::open_session(context, headset, before, adopt, &mut self.called_off)
                    .await?
            };
            let Some(opened) = opened else { return Ok(None) };
            if *self.called_off.0.borrow() {
                if opened.origin != SessionOrigin::Foreign
                    && let Err(failure) = close(&self.context, &opened.session.id).await
                {
                    self.context.events.send_error(failure).await;
                }
                return Ok(None);
            }
            let origin = opened.origin;
            match self.begin(opened).await {
                Ok(held) => return Ok(Some(held)),
                // It was about to end when it was found.
                Err(_) if origin != SessionOrigin::New && adopt => adopt = false,
                Err(error) => return Err(error),
            }
        }
    }

    /// Reports an opened session and subscribes. Fails only if the session does not exist.
    async fn begin(&mut self, opened: OpenedSession) -> Result<HeldSession, Error> {
        let OpenedSession { mut session, mode, why, origin } = opened;
        self.fill_in_headset(&mut session);
        let id = session.id.clone();
        let foreign = origin == SessionOrigin::Foreign;
        if origin == SessionOrigin::New && session.status == SessionStatus::Activated {
            self.context.count_activation().await;
        }
        let theirs = if foreign { listed(&session) } else { Vec::new() };
        let mut held = HeldSession {
            session,
            mode,
            foreign,
            since: Instant::now(),
            streams: Vec::new(),
            refused: Vec::new(),
            theirs,
            retry_at: None,
            pause: FIRST_PAUSE,
        };
        self.notices.watch(id.clone());
        self.context.events.send(Event::Session(held.session.clone())).await;
        self.context.events.send(Event::Opened { session: id.clone(), mode, why, foreign }).await;
        match self.subscribe_wanted(&mut held).await {
            Err(failure) if failure.kind == ErrorKind::SessionGone => {
                self.context.closed(&id, &failure.to_string()).await;
                Err(failure)
            }
            _ => {
                self.last = Some(LastSession { session: id, foreign });
                records::follow(&self.context, &held.session).await;
                if mode == SessionMode::Active {
                    // Its quota has changed.
                    self.context.read_licence().await;
                }
                Ok(held)
            }
        }
    }

    /// Adds what the list of headsets shows: a session object may know less about its headset.
    fn fill_in_headset(&self, session: &mut Session) {
        if session.headset.id != self.headset || session.headset.sensors.is_empty() {
            session.headset = self.context.headset(&self.headset).unwrap_or_else(|| Headset {
                id: self.headset.clone(),
                ..std::mem::take(&mut session.headset)
            });
        }
    }

    /// Reports the running streams according to Cortex's last answer.
    async fn send_session(&self, held: &HeldSession) {
        self.context
            .events
            .send(Event::Subscribed {
                session: held.session.id.clone(),
                streams: held.streams.clone(),
                theirs: held.theirs.clone(),
                refused: held.refused.clone(),
            })
            .await;
        self.context.events.send(Event::Session(held.session.clone())).await;
        self.report_held(held, held.streams.clone(), Some(!held.streams.is_empty())).await;
        self.context.refresh_now();
    }

    async fn report_held(&self, held: &HeldSession, streams: Vec<Stream>, flowing: Option<bool>) {
        let (session, foreign) = (held.session.id.clone(), held.foreign);
        // A refused call is retried here too, as in a session of ours.
        let watching = foreign && held.retry_at.is_none();
        self.report_progress(HeadsetProgress::Live {
            session,
            foreign,
            streams,
            flowing,
            watching,
        })
        .await;
    }
}

/// The streams that a session lists, in display order.
fn listed(session: &Session) -> Vec<Stream> {
    let listed =
        |stream: &Stream| session.streams.iter().flatten().any(|name| name == stream.name());
    Stream::ALL.into_iter().filter(listed).collect()
}

fn not_held(method: Method, session: &SessionId) -> Error {
    Error::new(ErrorKind::User, "this session has ended", "open the headset first")
        .on(method)
        .about(ErrorSubject::Session(session.clone()))
}

/// Closes a session and reports its last state; if it is already gone, it counts as closed.
pub(super) async fn close(context: &Context, session: &SessionId) -> Result<(), Error> {
    let params = json!({"session": session.as_str(), "status": "close"});
    let effect = AnswerEffect::Close { session: session.clone() };
    match context.ask_with_effect(Method::UpdateSession, params, effect).await {
        Ok(answer) => {
            let mut last = Session::from(answer);
            if last.id == *session {
                last.status = SessionStatus::Closed;
                context.events.send(Event::Session(last)).await;
            }
            Ok(())
        }
        Err(failure) if failure.kind == ErrorKind::SessionGone => Ok(()),
        Err(failure) => Err(failure),
    }
}

/// Leaves another program's session as it was before cortop came.
pub(super) async fn release(context: &Context, session: &SessionId, streams: &[Stream]) {
    if streams.is_empty() {
        return;
    }
    let names: Vec<_> = streams.iter().map(|stream| stream.name()).collect();
    let params = json!({"session": session.as_str(), "streams": names});
    let effect = AnswerEffect::Unsubscribe { session: session.clone() };
    if let Err(failure) = context.ask_with_effect(Method::Unsubscribe, params, effect).await
        && failure.kind != ErrorKind::SessionGone
    {
        context.events.send_error(failure).await;
    }
}

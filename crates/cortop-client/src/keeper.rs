//! Keeps one headset streaming: reaches it, opens a session, subscribes (§2.8), holds on, and starts
//! over when it is lost (§2.12). One keeper a headset, so that several headsets stream side by side.

mod streams;

use std::{pin::pin, time::Duration};

use serde_json::json;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};

use super::{
    Event, SessionMode,
    context::{Context, Stage},
    memory::Last,
    open::{self, Opened, Origin, Refused},
    reach::{self, Notices},
    records,
    rpc::{Effect, Failure},
    session::SessionStatus,
};
use cortop_protocol::{
    Headset, HeadsetId, Refusal, Session, SessionId, Stream, Warning, code::Class,
};

/// Until the list of headsets has been read again after a loss; doubled up to `REST` while sessions
/// last no longer than `STEADY`, since opening one may debit the licence.
const LOST: Duration = Duration::from_millis(500);
const STEADY: Duration = Duration::from_secs(30);

/// Before a refusal that may pass is put to the test again.
const REST: Duration = Duration::from_secs(30);

/// How long a session may be missing from `querySessions` before it counts as closed: two looks.
const MISSING: Duration = Duration::from_secs(3);

/// What a keeper is told.
#[derive(Clone, Debug)]
pub(super) enum Order {
    /// Try again now.
    Open,
    /// Activate the session.
    Activate,
    /// Subscribe more streams.
    Subscribe(Vec<Stream>),
    /// Give up streams.
    Unsubscribe(Vec<Stream>),
    /// Close the session and end.
    Close,
}

impl Order {
    /// What Cortex is asked for it.
    pub(super) const fn method(&self) -> &'static str {
        match self {
            Self::Open => "createSession",
            Self::Activate | Self::Close => "updateSession",
            Self::Subscribe(_) => "subscribe",
            Self::Unsubscribe(_) => "unsubscribe",
        }
    }
}

/// Keeps one headset streaming.
pub(super) struct Keeper {
    context: Context,
    headset: HeadsetId,
    /// The last session that cortop opened here.
    last: Option<Last>,
    orders: mpsc::Receiver<Order>,
    notices: Notices,
    /// After the next loss.
    pause: Duration,
}

/// A session that is held.
struct Live {
    session: Session,
    mode: SessionMode,
    /// Another program opened it.
    adopted: bool,
    since: Instant,
    streams: Vec<Stream>,
    refused: Vec<(Stream, Refusal)>,
}

impl Keeper {
    /// `last`: the session that cortop opened here before the connection was lost.
    pub(super) fn new(
        context: Context,
        headset: HeadsetId,
        last: Option<Last>,
        orders: mpsc::Receiver<Order>,
    ) -> Self {
        let notices = Notices::new(&context);
        Self { context, headset, last, orders, notices, pause: LOST }
    }

    /// Runs until the session is closed on the user's word, or the connection is over.
    pub(super) async fn run(mut self) {
        let mut lost = None;
        loop {
            match self.establish(lost.take()).await {
                Ok(live) => match self.hold(live).await {
                    Some(live) => lost = Some(live),
                    None => break,
                },
                Err(Refused { refusal, passing }) => {
                    self.context.outbox.refused(refusal).await;
                    self.stage(Stage::Stopped).await;
                    self.rest(passing).await;
                }
            }
        }
        self.stage(Stage::Over).await;
    }

    async fn stage(&self, stage: Stage) {
        self.context.stage(&self.headset, stage).await;
    }

    /// Waits for the user, for the headset to change, or for better times.
    async fn rest(&mut self, passing: bool) {
        let until = Instant::now() + REST;
        let mut changed = pin!(reach::changed(&self.context, &self.headset));
        loop {
            tokio::select! {
                order = self.orders.recv() => if matches!(order, Some(Order::Open) | None) {
                    return;
                },
                () = &mut changed => return,
                () = sleep_until(until), if passing => return,
            }
        }
    }

    /// From a headset somewhere to a session with streams. `lost`: the session that was held.
    async fn establish(&mut self, lost: Option<Live>) -> Result<Live, Refused> {
        reach::reach(&self.context, &self.headset, &mut self.notices).await?;
        if let Some(lost) = lost
            && self.notices.has_resumed(&lost.session.id).await
        {
            self.tell_live(&lost).await;
            return Ok(lost);
        }
        self.stage(Stage::Opening).await;
        // How the headset was lost before must not end the session to come.
        self.notices.forget();
        let opened = open::open(&self.context, &self.headset, self.last.as_ref(), true).await?;
        let origin = opened.origin;
        match self.begin(opened).await {
            // It was there, and is of no use: perhaps there is room for a new one.
            Err(_) if origin != Origin::New => {
                let opened =
                    open::open(&self.context, &self.headset, self.last.as_ref(), false).await?;
                self.begin(opened).await
            }
            live => live,
        }
    }

    /// Tells of a session that was opened, and subscribes.
    async fn begin(&mut self, opened: Opened) -> Result<Live, Refused> {
        let Opened { mut session, mode, why, origin } = opened;
        self.complete(&mut session);
        let id = session.id.clone();
        let mut live = Live {
            session,
            mode,
            adopted: origin == Origin::Adopted,
            since: Instant::now(),
            streams: Vec::new(),
            refused: Vec::new(),
        };
        self.remember(&live);
        let streams = self.wanted();
        self.context.outbox.tell(Event::Session(live.session.clone())).await;
        let foreign = live.adopted;
        self.context.outbox.tell(Event::Opened { session: id.clone(), mode, why, foreign }).await;
        self.stage(Stage::Live { session: id, mode, adopted: live.adopted, flowing: None }).await;
        match self.subscribe(&mut live, &streams).await {
            Ok(()) => {
                self.tell_live(&live).await;
                records::follow(&self.context, &live.session).await;
                if mode == SessionMode::Active {
                    // Its quota has changed.
                    self.context.read_licence().await;
                }
                Ok(live)
            }
            Err(failure) => {
                let refused = Refused::new("subscribe", &failure);
                if matches!(failure, Failure::Refused(_)) && !live.adopted {
                    // It is of no use; if this is refused too, it is gone already.
                    let _ = close(&self.context, &live.session.id).await;
                }
                self.context.closed(&live.session.id, &refused.refusal.to_string()).await;
                Err(refused)
            }
        }
    }

    /// Remembers a session of ours; another program's is no model for one of ours.
    fn remember(&mut self, live: &Live) {
        if !live.adopted {
            self.last = Some(Last { session: live.session.id.clone(), mode: live.mode });
            self.context.wishes.change(&self.headset, |wish| wish.mode = None);
        }
    }

    /// The object of a session may know less of its headset than the list of headsets does.
    fn complete(&self, session: &mut Session) {
        if session.headset.id != self.headset || session.headset.sensors.is_empty() {
            session.headset = self.context.headset(&self.headset).unwrap_or_else(|| Headset {
                id: self.headset.clone(),
                ..std::mem::take(&mut session.headset)
            });
        }
    }

    async fn tell_live(&self, live: &Live) {
        let session = live.session.id.clone();
        self.context
            .outbox
            .tell(Event::Subscribed {
                session: session.clone(),
                streams: live.streams.clone(),
                refused: live.refused.clone(),
            })
            .await;
        self.context.outbox.tell(Event::Session(live.session.clone())).await;
        let flowing = Some(!live.streams.is_empty());
        let Live { mode, adopted, .. } = *live;
        self.stage(Stage::Live { session, mode, adopted, flowing }).await;
        self.context.look_now();
    }

    /// Holds a session until it is lost (and gives it back) or closed on the user's word.
    async fn hold(&mut self, mut live: Live) -> Option<Live> {
        let mut sessions = self.context.sessions.subscribe();
        let mut missing: Option<Instant> = None;
        loop {
            tokio::select! {
                order = self.orders.recv() => match order {
                    Some(Order::Activate) => self.activate(&mut live).await,
                    Some(Order::Subscribe(streams)) => self.add(&mut live, &streams).await,
                    Some(Order::Unsubscribe(streams)) => self.drop(&mut live, &streams).await,
                    Some(Order::Close) => match close(&self.context, &live.session.id).await {
                        Ok(()) => {
                            self.context.closed_as_ordered(&live.session.id, "closed by you").await;
                            return None;
                        }
                        Err(failure) => {
                            self.context.outbox.refused(failure.refusal("updateSession")).await;
                        }
                    },
                    Some(Order::Open) => {}
                    None => return None,
                },
                warning = self.notices.warning() => {
                    if let Some(why) = self.ends(&live, &warning) {
                        return Some(self.lose(live, &why).await);
                    }
                }
                _ = sessions.changed() => {
                    let seen =
                        sessions.borrow_and_update().iter().find(|one| one.id == live.session.id).cloned();
                    match seen {
                        Some(mut seen) => {
                            missing = None;
                            self.complete(&mut seen);
                            records::follow(&self.context, &seen).await;
                            if seen != live.session {
                                live.session = seen;
                                self.context.outbox.tell(Event::Session(live.session.clone())).await;
                            }
                        }
                        None if missing.get_or_insert_with(Instant::now).elapsed() >= MISSING => {
                            let why = "Cortex no longer knows the session";
                            return Some(self.lose(live, why).await);
                        }
                        None => {}
                    }
                }
            }
        }
    }

    /// Why a warning ends the session, if it does.
    fn ends(&self, live: &Live, warning: &Warning) -> Option<String> {
        let ours = match warning.code {
            0 | 1 => warning.session().is_some_and(|id| id == live.session.id),
            103 => warning.headset().is_some_and(|id| id == self.headset),
            _ => false,
        };
        ours.then(|| warning.text())
    }

    async fn lose(&mut self, live: Live, why: &str) -> Live {
        if live.since.elapsed() >= STEADY {
            self.pause = LOST;
        }
        self.context.rpc.lose(live.session.id.clone()).await;
        self.context.closed(&live.session.id, why).await;
        self.stage(Stage::Away).await;
        // What the list says of the headset was said before it was lost.
        self.context.look_now();
        // A word of the user cuts it short: there is no session that it could be meant for.
        tokio::select! {
            () = sleep(self.pause) => {}
            _ = self.orders.recv() => {}
        }
        self.pause = (self.pause * 2).min(REST);
        live
    }
}

/// Closes a session and tells what Cortex says of it then; one that is gone already is closed too.
pub(super) async fn close(context: &Context, session: &SessionId) -> Result<(), Failure> {
    let params = json!({"session": session.as_str(), "status": "close"});
    let effect = Effect::Close { session: session.clone() };
    match context.ask_as_user("updateSession", params, effect).await {
        Ok(answer) => {
            let mut last = Session::from(answer);
            if last.id == *session {
                last.status = SessionStatus::Closed;
                context.outbox.tell(Event::Session(last)).await;
            }
            Ok(())
        }
        Err(failure) if failure.class() != Class::Gone => Err(failure),
        Err(_) => Ok(()),
    }
}

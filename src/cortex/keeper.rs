//! Keeps one headset streaming: waits for it, connects it (§2.6), opens a session, subscribes
//! (§2.8), holds on, and starts over when it is lost (§2.12). One keeper a headset, so that several
//! headsets stream side by side.

use std::time::Duration;

use serde_json::json;
use tokio::{
    sync::{broadcast, mpsc},
    time::{Instant, sleep, sleep_until, timeout_at},
};

use super::{
    Event, Headset, HeadsetId, Refusal, Session, SessionId, SessionMode, Stream, Warning,
    code::{self, Class},
    context::{Context, Report, Stage},
    event,
    link::Notice,
    open::{self, Opened, Refused},
    rpc::{Effect, Failure},
    session::SessionStatus,
    subscribe,
};

/// How long a headset may take to connect (§9.2).
const CONNECT: Duration = Duration::from_secs(30);

/// How long the streams of an old session are waited for when the headset is back (§2.12).
const RESUME: Duration = Duration::from_millis(1500);

/// Until the list of headsets has been read again after a loss.
const LOST: Duration = Duration::from_millis(500);

/// Before a refusal that may pass is put to the test again.
const REST: Duration = Duration::from_secs(30);

/// How long a session may be missing from `querySessions` before it counts as closed: two looks.
const MISSING: Duration = Duration::from_secs(3);

/// What a keeper is told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    /// Try again now.
    Open,
    /// Activate the session.
    Activate,
    /// Close the session and end.
    Close,
}

/// Keeps one headset streaming.
pub(super) struct Keeper {
    context: Context,
    headset: HeadsetId,
    mode: Option<SessionMode>,
    orders: mpsc::Receiver<Order>,
    notices: broadcast::Receiver<Notice>,
    /// The last session that came back to life by itself.
    resumed: Option<SessionId>,
}

/// A session that is held.
struct Live {
    session: Session,
    mode: SessionMode,
    streams: Vec<Stream>,
    refused: Vec<(Stream, Refusal)>,
}

impl Keeper {
    /// `mode`: that of the headset's session before the connection was lost.
    pub(super) fn new(
        context: Context,
        headset: HeadsetId,
        mode: Option<SessionMode>,
        orders: mpsc::Receiver<Order>,
    ) -> Self {
        let notices = context.notices.subscribe();
        Self { context, headset, mode, orders, notices, resumed: None }
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
        self.context.report(Report::Headset(self.headset.clone(), stage)).await;
    }

    /// Waits for the user, for the headset to change, or for better times.
    async fn rest(&mut self, passing: bool) {
        let until = Instant::now() + REST;
        let mut headsets = self.context.headsets.subscribe();
        let state = |headset: Headset| (headset.status, headset.connected_by);
        let before = self.context.headset(&self.headset).map(state);
        loop {
            tokio::select! {
                order = self.orders.recv() => if matches!(order, Some(Order::Open) | None) {
                    return;
                },
                _ = headsets.changed() => {
                    if self.context.headset(&self.headset).map(state) != before {
                        return;
                    }
                }
                () = sleep_until(until), if passing => return,
            }
        }
    }

    /// From a headset somewhere to a session with streams. `lost`: the session that was held.
    async fn establish(&mut self, lost: Option<Live>) -> Result<Live, Refused> {
        self.connect().await?;
        if let Some(lost) = lost
            && self.has_resumed(&lost.session.id).await
        {
            self.tell_live(&lost).await;
            return Ok(lost);
        }
        self.stage(Stage::Opening).await;
        let opened = open::open(&self.context, &self.headset, self.mode, true).await?;
        let adopted = opened.adopted.then(|| opened.session.id.clone());
        match (self.begin(opened).await, adopted) {
            (Err(_), Some(foreign)) => {
                // It was there, and is of no use: make room for one of ours.
                let _ = self.close(&foreign).await;
                let opened = open::open(&self.context, &self.headset, self.mode, false).await?;
                self.begin(opened).await
            }
            (live, _) => live,
        }
    }

    /// Waits until the headset is there, and connects it if need be (§2.6).
    async fn connect(&mut self) -> Result<(), Refused> {
        let mut headsets = self.context.headsets.subscribe();
        let mut asked = None;
        loop {
            let headset =
                headsets.borrow_and_update().iter().find(|one| one.id == self.headset).cloned();
            match headset {
                None => {
                    asked = None;
                    self.stage(Stage::Away).await;
                }
                Some(headset) if headset.is_on_usb_cable() => {
                    return Err(open::on_usb_cable(&self.headset));
                }
                Some(headset) if headset.is_connected() => return Ok(()),
                Some(_) if asked.is_none() => {
                    self.stage(Stage::Connecting).await;
                    // What was said of an attempt before this one is void.
                    while let Ok(notice) = self.notices.try_recv() {
                        self.keep(&notice);
                    }
                    let params = json!({"command": "connect", "headset": self.headset.as_str()});
                    self.context
                        .ask("controlDevice", params)
                        .await
                        .map_err(|failure| Refused::new("controlDevice", &failure))?;
                    asked = Some(Instant::now() + CONNECT);
                }
                Some(_) => {}
            }
            tokio::select! {
                _ = headsets.changed() => {}
                notice = self.notices.recv() => {
                    let Ok(notice) = notice else { continue };
                    self.keep(&notice);
                    let Notice::Warning(warning) = notice else { continue };
                    if warning.headset().is_none_or(|id| id != self.headset) {
                        continue;
                    }
                    match warning.code {
                        104 => return Ok(()),
                        100 | 101 | 102 | 112 | 113 => return Err(not_connected(&warning)),
                        _ => {}
                    }
                }
                () = sleep_until(asked.unwrap_or_else(Instant::now)), if asked.is_some() => {
                    let refusal = event::refusal(
                        "controlDevice",
                        &format!("{} did not connect within 30 s", self.headset),
                        "switch it off and on, and bring it closer",
                    );
                    return Err(Refused { refusal, passing: true });
                }
            }
        }
    }

    /// Remembers what must not be overheard.
    fn keep(&mut self, notice: &Notice) {
        if let Notice::Resumed(session) = notice {
            self.resumed = Some(session.clone());
        }
    }

    /// Whether the old session's streams have come back, or do so within a moment.
    async fn has_resumed(&mut self, session: &SessionId) -> bool {
        let until = Instant::now() + RESUME;
        while self.resumed.as_ref() != Some(session) {
            match timeout_at(until, self.notices.recv()).await {
                Ok(Ok(notice)) => self.keep(&notice),
                Ok(Err(_)) => {}
                Err(_) => return false,
            }
        }
        self.resumed = None;
        true
    }

    /// Tells of a session that was opened, and subscribes.
    async fn begin(&mut self, opened: Opened) -> Result<Live, Refused> {
        let Opened { session, mode, why, .. } = opened;
        let id = session.id.clone();
        let mut live = Live { session, mode, streams: Vec::new(), refused: Vec::new() };
        self.mode = Some(mode);
        let streams = self.context.config.streams.clone();
        self.context.outbox.tell(Event::Session(live.session.clone())).await;
        self.context.outbox.tell(Event::Opened { session: id, mode, why }).await;
        match self.subscribe(&mut live, &streams).await {
            Ok(()) => {
                self.tell_live(&live).await;
                if mode == SessionMode::Active {
                    // Its quota has changed.
                    self.context.read_licence().await;
                }
                Ok(live)
            }
            Err(failure) => {
                let refused = Refused::new("subscribe", &failure);
                self.tell_closed(&live.session.id, &refused.refusal.to_string()).await;
                Err(refused)
            }
        }
    }

    /// Subscribes, and notes what flows and what was refused.
    async fn subscribe(&mut self, live: &mut Live, streams: &[Stream]) -> Result<(), Failure> {
        if live.session.headset.id.as_str().is_empty() || live.session.headset.sensors.is_empty() {
            // The object of a fresh session may know less than the list of headsets.
            if let Some(headset) = self.context.headset(&self.headset) {
                live.session.headset = headset;
            }
        }
        let effect = Effect::Subscribe {
            session: live.session.id.clone(),
            headset: Box::new(live.session.headset.clone()),
            fast_met: live.mode == SessionMode::Active
                && self.context.account.licence().is_some_and(|licence| licence.has_scope("pm")),
        };
        let names: Vec<_> = streams.iter().map(|stream| stream.name()).collect();
        let params = json!({"session": live.session.id.as_str(), "streams": names});
        let answer: subscribe::Answer =
            self.context.ask_as_user("subscribe", params, effect).await?.into();
        live.refused.retain(|(stream, _)| !streams.contains(stream));
        for &stream in streams {
            live.streams.retain(|&own| own != stream);
            let refusal = answer.failure.iter().find(|(refused, _)| *refused == stream);
            if answer.success.iter().any(|(granted, _)| *granted == stream) {
                live.streams.push(stream);
            } else {
                let refusal = refusal.map_or_else(|| not_mentioned(stream), |(_, why)| why.clone());
                live.refused.push((stream, refusal));
            }
        }
        live.session.streams = live.streams.iter().map(ToString::to_string).collect();
        Ok(())
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
        let flowing = !live.streams.is_empty();
        self.stage(Stage::Live { session, mode: live.mode, flowing }).await;
        self.context.look_now();
    }

    async fn tell_closed(&self, session: &SessionId, why: &str) {
        let closed = Event::Closed { session: session.clone(), why: why.to_owned() };
        self.context.outbox.tell(closed).await;
    }

    /// Holds a session until it is lost (and gives it back) or closed on the user's word.
    async fn hold(&mut self, mut live: Live) -> Option<Live> {
        let mut sessions = self.context.sessions.subscribe();
        let mut missing: Option<Instant> = None;
        loop {
            tokio::select! {
                order = self.orders.recv() => match order {
                    Some(Order::Activate) => self.activate(&mut live).await,
                    Some(Order::Close) => match self.close(&live.session.id).await {
                        Ok(()) => {
                            self.tell_closed(&live.session.id, "closed by you").await;
                            return None;
                        }
                        Err(failure) => {
                            self.context.outbox.refused(failure.refusal("updateSession")).await;
                        }
                    },
                    Some(Order::Open) => {}
                    None => return None,
                },
                notice = self.notices.recv() => {
                    if let Ok(Notice::Warning(warning)) = notice
                        && let Some(why) = self.ends(&live, &warning)
                    {
                        return Some(self.lose(live, &why).await);
                    }
                }
                _ = sessions.changed() => {
                    let seen =
                        sessions.borrow_and_update().iter().find(|one| one.id == live.session.id).cloned();
                    match seen {
                        Some(seen) => {
                            missing = None;
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

    async fn lose(&self, live: Live, why: &str) -> Live {
        self.tell_closed(&live.session.id, why).await;
        self.stage(Stage::Away).await;
        // What the list says of the headset was said before it was lost.
        self.context.look_now();
        sleep(LOST).await;
        live
    }

    /// Activates the session, then subscribes what that makes possible: `eeg` and the fast `met`
    /// come only to a subscription made afterwards (§2.8).
    async fn activate(&mut self, live: &mut Live) {
        let id = live.session.id.as_str();
        let params = json!({"session": id, "status": "active"});
        if let Err(failure) = self.context.ask_as_user("updateSession", params, Effect::None).await
        {
            self.context.outbox.refused(failure.refusal("updateSession")).await;
            return;
        }
        live.mode = SessionMode::Active;
        live.session.status = SessionStatus::Activated;
        self.mode = Some(live.mode);
        self.context.read_licence().await;
        if live.streams.contains(&Stream::Met) {
            let effect = Effect::Unsubscribe { session: live.session.id.clone() };
            let params = json!({"session": id, "streams": [Stream::Met.name()]});
            if let Err(failure) = self.context.ask_as_user("unsubscribe", params, effect).await {
                tracing::debug!("{}", failure.refusal("unsubscribe"));
            }
        }
        let streams: Vec<_> = self
            .context
            .config
            .streams
            .iter()
            .copied()
            .filter(|stream| *stream == Stream::Met || !live.streams.contains(stream))
            .collect();
        if let Err(failure) = self.subscribe(live, &streams).await {
            self.context.outbox.refused(failure.refusal("subscribe")).await;
        }
        self.tell_live(live).await;
    }

    async fn close(&self, session: &SessionId) -> Result<(), Failure> {
        close(&self.context, session).await
    }
}

/// Closes a session; one that is gone already is closed too.
pub(super) async fn close(context: &Context, session: &SessionId) -> Result<(), Failure> {
    let params = json!({"session": session.as_str(), "status": "close"});
    let effect = Effect::Close { session: session.clone() };
    match context.ask_as_user("updateSession", params, effect).await {
        Err(failure) if failure.class() != Class::Gone => Err(failure),
        _ => Ok(()),
    }
}

fn not_connected(warning: &Warning) -> Refused {
    let row = code::warning(warning.code);
    Refused {
        refusal: Refusal {
            method: "controlDevice".to_owned(),
            code: Some(warning.code),
            message: warning.text(),
            next: row.map_or("", |row| row.next).to_owned(),
        },
        passing: false,
    }
}

fn not_mentioned(stream: Stream) -> Refusal {
    let message = format!("Cortex answered without a word on {stream}");
    event::refusal("subscribe", &message, "open the headset again")
}

//! One connection's flow (§2): signs in, looks around, keeps the wanted headsets streaming, carries
//! out the application's commands, and says how far it has come. It decides; what takes time is
//! done by tasks of its own, which end with it.

mod commands;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use futures_util::future::join_all;
use tokio::{
    sync::{broadcast, mpsc, watch},
    task::{AbortHandle, JoinSet},
    time::{Instant, sleep_until, timeout},
};

use super::{
    Command, Event, Moment, Security, Step, clock,
    context::{Context, Outbox, Report, Stage},
    event,
    headset_task::{self, Keeper, Order},
    link::{self, Link, Notice},
    open_session, poller, profiles, records,
    scanner::Scans,
    sign_in,
    state::{Last, Memory},
    token,
};
use cortop_protocol::{Error, Headset, HeadsetId, SessionId, Stream, code::warning as codes};

/// Reports, notices and orders that may wait.
const QUEUE: usize = 64;
const ORDERS: usize = 4;

/// Most tasks at work, those that look around and keep headsets included.
const TASKS: usize = 256;

/// At least so long from the end of signing in to its next beginning.
const SIGNED_IN: Duration = Duration::from_secs(5);

/// For closing our sessions when the program ends, and for the socket's goodbye.
const CLOSING: Duration = Duration::from_millis(600);
const GOODBYE: Duration = Duration::from_millis(400);

/// How a connection ended.
pub(super) enum End {
    /// The application is going.
    Quit,
    /// The socket is gone, and why.
    Lost(Error),
    /// Cortex cannot tell who is calling (warning 11): open another.
    Unusable,
}

/// A headset that is kept streaming.
struct Kept {
    orders: mpsc::Sender<Order>,
    called_off: watch::Sender<bool>,
    task: AbortHandle,
    stage: Stage,
}

/// What signing in is at.
enum SignIn {
    /// For the first time on this connection.
    First,
    /// Once more, after something was lost or has changed.
    Again,
    /// Done, and when.
    Done(Instant),
}

struct Flow<'a> {
    memory: &'a mut Memory,
    context: Context,
    security: Security,
    tasks: JoinSet<()>,
    kept: HashMap<HeadsetId, Kept>,
    /// How far signing in has come; `None` when it is done, or is checked again.
    signing_in: Option<Step>,
    sign_in: SignIn,
    step: Option<Step>,
    /// The service has told its headsets.
    listed: bool,
    flowing: watch::Sender<bool>,
    scans: Scans,
    /// The headset on a USB cable that was explained.
    explained: Option<HeadsetId>,
    /// The connected headsets whose clock and profile have been asked for.
    greeted: HashSet<HeadsetId>,
}

/// Runs the flow over a fresh link until it ends.
pub(super) async fn run(
    memory: &mut Memory,
    mut link: Link,
    security: Security,
    outbox: Outbox,
    commands: &mut mpsc::Receiver<Command>,
) -> End {
    let (reports, mut inbox) = mpsc::channel(QUEUE);
    let context = Context {
        config: Arc::clone(&memory.config),
        rpc: link.rpc.clone(),
        account: Arc::clone(&memory.account),
        wishes: Arc::clone(&memory.wishes),
        journal: Arc::clone(&memory.journal),
        clocks: Arc::clone(&memory.clocks),
        outbox,
        reports,
        notices: broadcast::Sender::new(link::NOTICES),
        headsets: watch::Sender::default(),
        sessions: watch::Sender::default(),
        look: watch::Sender::default(),
        version: watch::Sender::default(),
        retry: watch::Sender::default(),
    };
    let mut flow = Flow {
        memory,
        context: context.clone(),
        security,
        tasks: JoinSet::new(),
        kept: HashMap::new(),
        signing_in: Some(Step::Greeting),
        sign_in: SignIn::First,
        step: None,
        listed: false,
        flowing: watch::Sender::new(false),
        scans: Scans::default(),
        explained: None,
        greeted: HashSet::new(),
    };
    flow.tasks.spawn(sign_in::sign_in(context));
    flow.tell_step().await;
    let end = loop {
        tokio::select! {
            // In order: what was said before the socket closed may tell why it did.
            biased;
            command = commands.recv() => match command {
                Some(Command::Quit) | None => break End::Quit,
                Some(command) => flow.command(command).await,
            },
            Some(notice) = link.notices.recv() => {
                if let Some(end) = flow.notice(notice).await {
                    break end;
                }
            }
            Some(report) = inbox.recv() => flow.report(report).await,
            why = &mut link.task => {
                break End::Lost(why.unwrap_or_else(|error| link::lost(error.to_string(), "")));
            }
            // Finished tasks are collected, or their number would grow.
            Some(_) = flow.tasks.join_next() => {}
        }
        flow.tell_step().await;
    };
    // What was done last is to be undone too.
    while let Ok(report) = inbox.try_recv() {
        flow.report(report).await;
    }
    flow.finish(&end, &mut link).await;
    end
}

impl Flow<'_> {
    async fn notice(&mut self, notice: Notice) -> Option<End> {
        if let Notice::ClockStepped(headset) = &notice
            && self.tasks.len() < TASKS
        {
            self.tasks.spawn(clock::measure(self.context.clone(), headset.clone()));
        }
        if let Notice::Warning(warning) = &notice {
            self.context.outbox.tell(Event::Warning(warning.clone())).await;
            match warning.code {
                codes::LOGGED_OUT => {
                    self.context.outbox.tell(Event::User(None)).await;
                    self.memory.account.sign_out();
                    return Some(End::Lost(link::lost(
                        "the user has logged out of EMOTIV Launcher",
                        "log in there again",
                    )));
                }
                codes::UNKNOWN_CALLER => return Some(End::Unusable),
                // What may be done has changed, for this application perhaps.
                codes::LOGGED_IN
                | codes::ACCESS_GRANTED
                | codes::ACCESS_REJECTED
                | codes::OTHER_OS_USER
                | codes::EULA_ACCEPTED
                | codes::CORTEX_READY => self.sign_in_again(false),
                codes::PROFILE_LOADED..=codes::PROFILE_UNLOADED_BY_CORTEX => {
                    // In a flood, the next one tells too.
                    if let Some(headset) = warning.headset()
                        && self.tasks.len() < TASKS
                    {
                        self.tasks.spawn(profiles::follow(self.context.clone(), headset));
                    }
                }
                codes::RECORD_SAVED | codes::RECORD_READY => {
                    records::ready(&self.context, warning).await;
                }
                codes::HEADSET_CONNECTED => {
                    if let Some(headset) = warning.headset() {
                        self.greeted.remove(&headset);
                    }
                }
                codes::SCAN_DONE => self.scans.end(&self.context).await,
                _ => {}
            }
            // Sessions, or headsets, have changed.
            if let codes::STREAMS_STOPPED
            | codes::SESSION_CLOSED
            | codes::HEADSET_INFO_WRONG..=codes::MOTION_TOO_MUCH
            | codes::SCAN_DONE = warning.code
            {
                self.context.look_now();
            }
        }
        // Nobody may be listening now.
        let _ = self.context.notices.send(notice);
        None
    }

    async fn report(&mut self, report: Report) {
        match report {
            Report::SigningIn(step) => self.signing_in = Some(step),
            Report::SignedIn => self.signed_in(),
            // The token may be at fault too.
            Report::SignedOut => self.sign_in_again(true),
            Report::Looked => {
                self.listed = true;
                self.greet();
                self.choose().await;
                self.scan_if_needed().await;
            }
            Report::NotScanning => self.scans.end(&self.context).await,
            Report::Headset(headset, stage) => {
                // One that was let go may have said something before it heard of it, and one that
                // has ended may have been followed by another.
                let ended = matches!(stage, Stage::Over { .. });
                let own = |kept: &&mut Kept| kept.orders.is_closed() == ended;
                let Some(kept) = self.kept.get_mut(&headset).filter(own) else { return };
                if let Stage::Live { session, foreign, .. } = &stage {
                    let last = Last { session: session.clone(), foreign: *foreign };
                    self.memory.wanted.insert(headset.clone(), Some(last));
                }
                let flows =
                    |stage: &Stage| matches!(stage, Stage::Live { flowing: Some(true), .. });
                if flows(&stage) && !flows(&kept.stage) {
                    tracing::info!("{headset}: streaming");
                }
                if kept.stage.stopped_by() != stage.stopped_by() {
                    let (headset, refusal) = (headset.clone(), stage.stopped_by().cloned());
                    self.context.outbox.tell(Event::Stopped { headset, refusal }).await;
                }
                kept.stage = stage.clone();
                if let Stage::Over { reopen } = stage {
                    self.kept.remove(&headset);
                    self.memory.forget(&headset);
                    if reopen {
                        self.memory.wanted.insert(headset.clone(), None);
                        self.keep(headset);
                    }
                }
                let flowing = self.is_flowing();
                self.flowing.send_if_modified(|known| std::mem::replace(known, flowing) != flowing);
            }
        }
    }

    fn signed_in(&mut self) {
        self.signing_in = None;
        match std::mem::replace(&mut self.sign_in, SignIn::Done(Instant::now())) {
            SignIn::First => {
                let (context, flowing) = (&self.context, &self.flowing);
                self.tasks.spawn(poller::headsets(context.clone(), flowing.subscribe()));
                self.tasks.spawn(poller::sessions(context.clone()));
                self.tasks.spawn(token::keep_fresh(context.clone()));
                self.tasks.spawn(clock::keep_measured(context.clone()));
                let wanted: Vec<_> = self.memory.wanted.keys().cloned().collect();
                for headset in wanted {
                    self.keep(headset);
                }
            }
            SignIn::Again | SignIn::Done(_) => self.retry(),
        }
    }

    /// Walks from login to token again, with a new token if the old one is to be forgotten: what was
    /// reached may be lost, or what was missing be there.
    fn sign_in_again(&mut self, forget: bool) {
        let SignIn::Done(done) = self.sign_in else { return };
        self.sign_in = SignIn::Again;
        let context = self.context.clone();
        self.tasks.spawn(async move {
            // If each walk ends well and the next request is refused all the same, it must not
            // become a flood.
            sleep_until(done + SIGNED_IN).await;
            if forget {
                context.account.sign_out();
            }
            sign_in::sign_in(context).await;
        });
    }

    /// Tries now what would be tried later.
    fn retry(&mut self) {
        self.context.retry.send_replace(());
        self.context.look_now();
        for kept in self.kept.values().filter(|kept| kept.stage.stopped_by().is_some()) {
            // A keeper that is full of orders will come to them.
            let _ = kept.orders.try_send(Order::Retry);
        }
    }

    /// Asks each headset that has been connected for its clock and its profile, and for the clock
    /// again when this machine slept.
    fn greet(&mut self) {
        let headsets = self.context.headsets.borrow();
        let connected: HashSet<_> = headsets
            .iter()
            .filter(|headset| headset.is_connected())
            .map(|headset| headset.id.clone())
            .collect();
        let now = Moment::now();
        for headset in &connected {
            let new = !self.greeted.contains(headset);
            if new {
                self.context.clocks.forget(headset);
                self.tasks.spawn(profiles::follow(self.context.clone(), headset.clone()));
            }
            if new || self.context.clocks.is_outdated(headset, now) {
                self.tasks.spawn(clock::measure(self.context.clone(), headset.clone()));
            }
        }
        drop(headsets);
        self.greeted = connected;
    }

    /// Starts to keep a headset streaming.
    fn keep(&mut self, headset: HeadsetId) {
        let (sender, orders) = mpsc::channel(ORDERS);
        let called_off = watch::Sender::new(false);
        let last = self.memory.wanted.get(&headset).cloned().flatten();
        let (context, watched) = (self.context.clone(), called_off.subscribe());
        let keeper = Keeper::new(context, headset.clone(), last, orders, watched);
        let task = self.tasks.spawn(keeper.run());
        self.kept.insert(headset, Kept { orders: sender, called_off, task, stage: Stage::Away });
    }

    /// Takes the only headset there is, unless the user has closed one.
    async fn choose(&mut self) {
        if !self.memory.alone || !self.memory.wanted.is_empty() {
            return;
        }
        let only = match self.context.headsets.borrow().as_slice() {
            [only] => only.clone(),
            _ => return,
        };
        if !only.is_on_usb_cable() {
            self.memory.want(only.id.clone(), None);
            self.keep(only.id);
        } else if self.explained.as_ref() != Some(&only.id) {
            self.context.outbox.refused(open_session::on_usb_cable(&only.id)).await;
            self.explained = Some(only.id);
        }
    }

    /// Scans while nothing is connected and nothing is waited for but a headset to appear (§2.5):
    /// one that is there is about to be connected, and a scan cannot be called off.
    async fn scan_if_needed(&mut self) {
        let nobody = !self.context.headsets.borrow().iter().any(Headset::is_connected);
        // The list may leave out one whose streams flow, and a scan would harm them.
        let idle = self.kept.iter().all(|(id, kept)| {
            matches!(kept.stage, Stage::Away | Stage::Stopped(_))
                && self.context.headset(id).is_none()
        });
        if self.scans.is_due(&self.context).await && nobody && idle {
            self.scans.start(&self.context, &mut self.tasks).await;
        }
    }

    fn is_flowing(&self) -> bool {
        self.kept.values().any(|kept| matches!(kept.stage, Stage::Live { flowing: Some(true), .. }))
    }

    /// How far it has come: of several headsets, the one that is furthest counts.
    fn how_far(&self) -> Step {
        if let Some(step) = &self.signing_in {
            return step.clone();
        }
        if self.is_flowing() {
            return Step::Streaming;
        }
        let at = |is: fn(&Stage) -> bool| {
            self.kept.iter().find(|(_, kept)| is(&kept.stage)).map(|(id, _)| id.clone())
        };
        let is_opening =
            |stage: &_| matches!(stage, Stage::Opening | Stage::Live { flowing: None, .. });
        if let Some(headset) = at(is_opening) {
            Step::Opening(headset)
        } else if let Some(headset) = at(|stage| *stage == Stage::Connecting) {
            Step::Connecting(headset)
        } else if at(|stage| {
            matches!(stage, Stage::Live { watching: false, .. } | Stage::Stopped(_))
        })
        .is_some()
        {
            Step::Stopped
        } else if at(|stage| matches!(stage, Stage::Live { .. })).is_some() {
            Step::Watching
        } else if !self.listed {
            Step::Listing
        } else if let Some(next) = self.kept.keys().find_map(|id| self.context.headset(id)) {
            // Its keeper is about to take it.
            if next.is_connected() { Step::Opening(next.id) } else { Step::Connecting(next.id) }
        } else if self.context.headsets.borrow().is_empty() {
            Step::Searching
        } else {
            match self.kept.keys().next() {
                Some(missing) => Step::Missing(missing.clone()),
                None => Step::Choosing,
            }
        }
    }

    async fn tell_step(&mut self) {
        let step = self.how_far();
        if self.step.as_ref() != Some(&step) {
            self.step = Some(step.clone());
            let link = event::Link::Up { security: self.security, step };
            self.context.outbox.tell(Event::Link(link)).await;
        }
    }

    /// Ends the tasks, says which sessions are gone, and on leaving closes ours, within a second.
    async fn finish(mut self, end: &End, link: &mut Link) {
        self.tasks.abort_all();
        let live: Vec<_> = self
            .kept
            .drain()
            .filter_map(|(_, kept)| match kept.stage {
                Stage::Live { session, foreign, streams, .. } => Some((session, foreign, streams)),
                _ => None,
            })
            .collect();
        let why = match end {
            End::Quit => {
                let closing =
                    live.iter().map(|(session, foreign, own)| self.leave(session, *foreign, own));
                if timeout(CLOSING, join_all(closing)).await.is_err() {
                    tracing::warn!(
                        "Cortex did not close our sessions in time; the socket's end will"
                    );
                }
                "cortop has ended"
            }
            // What to do about it is over once the connection is back, and the session stays gone.
            End::Lost(error) => error.message(),
            End::Unusable => "the service cannot tell who is calling",
        };
        // It may be over already, and must not be waited for longer than this.
        if !link.task.is_finished() {
            let _ = timeout(GOODBYE, async {
                self.context.rpc.close().await;
                let _ = (&mut link.task).await;
            })
            .await;
            link.task.abort();
        }
        for (session, foreign, _) in live {
            match end {
                _ if foreign => self.context.released(&session, why).await,
                End::Quit => self.context.closed_as_ordered(&session, why).await,
                _ => self.context.closed(&session, why).await,
            }
        }
    }

    /// Stops the record that cortop runs in a session, and closes it; another program's is left as it
    /// was before cortop came.
    async fn leave(&self, session: &SessionId, foreign: bool, streams: &[Stream]) {
        if self.context.journal.is_ours(session)
            && let Err(error) = records::stop(&self.context, session, "cortop has ended").await
        {
            tracing::warn!("{error}");
        }
        if foreign {
            headset_task::release(&self.context, session, streams).await;
        } else if let Err(failure) = headset_task::close(&self.context, session).await {
            tracing::warn!("{}", failure);
        }
    }
}

//! One connection to the service, from signing in to its end (§2): starts the tasks that sign in,
//! poll, and keep the wanted headsets streaming; executes the application's commands; and reports
//! its progress. It only makes decisions; whatever takes time is done by its tasks, which end with
//! it.

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
    Command, ConnectionStep, Event, Moment, Security, clock_sync,
    context::{Context, HeadsetProgress, TaskReport},
    event,
    event_sender::EventSender,
    headset_task::{self, HeadsetTask, TaskOrder},
    link::{self, LinkHandle, LinkNotice},
    open_session, poller, profiles, records,
    scanner::Scanner,
    sign_in,
    state::{LastSession, PersistentState},
    token,
};
use cortop_protocol::{Error, Headset, HeadsetId, SessionId, Stream, code::warning as codes};

/// How many reports, notices and orders may wait.
const QUEUE: usize = 64;
const ORDERS: usize = 4;

/// The highest number of running tasks, including those that poll and that keep headsets streaming.
const TASKS: usize = 256;

/// The shortest time between the end of signing in and its next start.
const SIGNED_IN: Duration = Duration::from_secs(5);

/// The limit for closing our sessions when the program ends, and for the socket's goodbye.
const CLOSING: Duration = Duration::from_millis(600);
const GOODBYE: Duration = Duration::from_millis(400);

/// How a connection ended.
pub(super) enum ConnectionEnd {
    /// The application is quitting.
    Quit,
    /// The socket was lost, and why.
    Lost(Error),
    /// Cortex cannot identify the caller (warning 11): open another connection.
    Unusable,
}

/// A headset that is kept streaming.
struct TaskHandle {
    orders: mpsc::Sender<TaskOrder>,
    called_off: watch::Sender<bool>,
    task: AbortHandle,
    progress: HeadsetProgress,
}

/// How far signing in has come.
enum SignInState {
    /// For the first time on this connection.
    First,
    /// Again, after something was lost or has changed.
    Again,
    /// Done, and since when.
    Done(Instant),
}

struct Connection<'a> {
    state: &'a mut PersistentState,
    context: Context,
    security: Security,
    tasks: JoinSet<()>,
    headset_tasks: HashMap<HeadsetId, TaskHandle>,
    /// How far signing in has come; `None` when it is done or being checked again.
    signing_in: Option<ConnectionStep>,
    /// The refusal at which signing in is stuck.
    sign_in_refusal: Option<Error>,
    sign_in: SignInState,
    step: Option<ConnectionStep>,
    /// The service has listed its headsets.
    listed: bool,
    flowing: watch::Sender<bool>,
    scanner: Scanner,
    /// The headset for which the USB cable has been explained to the user.
    cable_explained: Option<HeadsetId>,
    /// The connected headsets whose clock and profile have been queried.
    initialized: HashSet<HeadsetId>,
}

/// Runs a connection over a fresh link until it ends.
pub(super) async fn run(
    state: &mut PersistentState,
    mut link: LinkHandle,
    security: Security,
    events: EventSender,
    commands: &mut mpsc::Receiver<Command>,
) -> ConnectionEnd {
    let (reports, mut inbox) = mpsc::channel(QUEUE);
    let context = Context {
        config: Arc::clone(&state.config),
        rpc: link.rpc.clone(),
        credentials: Arc::clone(&state.credentials),
        account: Arc::clone(&state.account),
        desired: Arc::clone(&state.desired),
        record_log: Arc::clone(&state.record_log),
        clocks: Arc::clone(&state.clocks),
        events,
        reports,
        notices: broadcast::Sender::new(link::NOTICES),
        headsets: watch::Sender::default(),
        sessions: watch::Sender::default(),
        refresh: watch::Sender::default(),
        version: watch::Sender::default(),
        retry: watch::Sender::default(),
    };
    let mut connection = Connection {
        state,
        context: context.clone(),
        security,
        tasks: JoinSet::new(),
        headset_tasks: HashMap::new(),
        signing_in: Some(ConnectionStep::Greeting),
        sign_in_refusal: None,
        sign_in: SignInState::First,
        step: None,
        listed: false,
        flowing: watch::Sender::new(false),
        scanner: Scanner::default(),
        cable_explained: None,
        initialized: HashSet::new(),
    };
    connection.tasks.spawn(sign_in::sign_in(context, true));
    connection.send_step().await;
    let end = loop {
        tokio::select! {
            // In order: what came before the socket closed may explain why it did.
            biased;
            command = commands.recv() => match command {
                Some(Command::Quit) | None => break ConnectionEnd::Quit,
                Some(command) => connection.on_command(command).await,
            },
            Some(notice) = link.notices.recv() => {
                if let Some(end) = connection.on_notice(notice).await {
                    break end;
                }
            }
            Some(report) = inbox.recv() => connection.on_report(report).await,
            why = &mut link.task => {
                break ConnectionEnd::Lost(why.unwrap_or_else(|error| link::lost(error.to_string(), "")));
            }
            // Collect finished tasks, or their number would grow.
            Some(_) = connection.tasks.join_next() => {}
        }
        connection.send_step().await;
    };
    // What was just done has to be undone as well.
    while let Ok(report) = inbox.try_recv() {
        connection.on_report(report).await;
    }
    connection.finish(&end, &mut link).await;
    end
}

impl Connection<'_> {
    async fn on_notice(&mut self, notice: LinkNotice) -> Option<ConnectionEnd> {
        if let LinkNotice::ClockStepped(headset) = &notice
            && self.tasks.len() < TASKS
        {
            self.tasks.spawn(clock_sync::measure(self.context.clone(), headset.clone()));
        }
        if let LinkNotice::Warning(warning) = &notice {
            self.context.events.send(Event::Warning(warning.clone())).await;
            match warning.code {
                codes::LOGGED_OUT => {
                    self.context.events.send(Event::User(None)).await;
                    self.state.account.sign_out();
                    return Some(ConnectionEnd::Lost(link::lost(
                        "the user has logged out of EMOTIV Launcher",
                        "log in there again",
                    )));
                }
                codes::UNKNOWN_CALLER => return Some(ConnectionEnd::Unusable),
                // Permissions have changed, perhaps those of this application.
                codes::LOGGED_IN
                | codes::ACCESS_GRANTED
                | codes::ACCESS_REJECTED
                | codes::OTHER_OS_USER
                | codes::EULA_ACCEPTED
                | codes::CORTEX_READY => self.sign_in_again(false),
                codes::PROFILE_LOADED..=codes::PROFILE_UNLOADED_BY_CORTEX => {
                    // In a flood of warnings, the next one has the same effect.
                    if let Some(headset) = warning.headset()
                        && self.tasks.len() < TASKS
                    {
                        self.tasks.spawn(profiles::follow(self.context.clone(), headset));
                    }
                }
                codes::RECORD_SAVED | codes::RECORD_READY => {
                    records::on_processed(&self.context, warning).await;
                }
                codes::HEADSET_CONNECTED => {
                    if let Some(headset) = warning.headset() {
                        self.initialized.remove(&headset);
                    }
                }
                codes::SCAN_DONE => self.scanner.end(&self.context).await,
                _ => {}
            }
            // Sessions or headsets have changed.
            if let codes::STREAMS_STOPPED
            | codes::SESSION_CLOSED
            | codes::HEADSET_INFO_WRONG..=codes::MOTION_TOO_MUCH
            | codes::SCAN_DONE = warning.code
            {
                self.context.refresh_now();
            }
        }
        // There may be no listener now.
        let _ = self.context.notices.send(notice);
        None
    }

    async fn on_report(&mut self, report: TaskReport) {
        match report {
            TaskReport::SigningIn(step) => {
                (self.signing_in, self.sign_in_refusal) = (Some(step), None);
            }
            TaskReport::SignInRefused(error) => {
                self.signing_in = Some(ConnectionStep::Stopped);
                self.sign_in_refusal = Some(error);
            }
            TaskReport::SignedIn => self.signed_in(),
            // The token may be at fault too.
            TaskReport::SignedOut => self.sign_in_again(true),
            TaskReport::Looked => {
                self.listed = true;
                self.initialize_connected();
                self.take_only_headset().await;
                self.scan_if_needed().await;
            }
            TaskReport::NotScanning => self.scanner.end(&self.context).await,
            TaskReport::Headset(headset, progress) => {
                // A released task may report late, and an ended task may already have a successor.
                let ended = matches!(progress, HeadsetProgress::Over { .. });
                let own = |handle: &&mut TaskHandle| handle.orders.is_closed() == ended;
                let Some(handle) = self.headset_tasks.get_mut(&headset).filter(own) else { return };
                if let HeadsetProgress::Live { session, foreign, .. } = &progress {
                    let last = LastSession { session: session.clone(), foreign: *foreign };
                    self.state.wanted.insert(headset.clone(), Some(last));
                }
                let flows = |progress: &HeadsetProgress| {
                    matches!(progress, HeadsetProgress::Live { flowing: Some(true), .. })
                };
                if flows(&progress) && !flows(&handle.progress) {
                    tracing::info!("{headset}: streaming");
                }
                if handle.progress.stopped_by() != progress.stopped_by() {
                    let (headset, refusal) = (headset.clone(), progress.stopped_by().cloned());
                    self.context.events.send(Event::Stopped { headset, refusal }).await;
                }
                handle.progress = progress.clone();
                if let HeadsetProgress::Over { reopen, theirs_ended } = progress {
                    self.headset_tasks.remove(&headset);
                    let reopen = if theirs_ended {
                        // Not the user's decision, so what is taken without asking still is.
                        self.state.release(&headset);
                        reopen || self.state.takes(&headset)
                    } else {
                        self.state.forget(&headset);
                        reopen
                    };
                    if reopen {
                        self.state.wanted.insert(headset.clone(), None);
                        self.start_headset_task(headset);
                    }
                }
                let flowing = self.is_flowing();
                self.flowing.send_if_modified(|known| std::mem::replace(known, flowing) != flowing);
            }
        }
    }

    fn signed_in(&mut self) {
        (self.signing_in, self.sign_in_refusal) = (None, None);
        match std::mem::replace(&mut self.sign_in, SignInState::Done(Instant::now())) {
            SignInState::First => {
                let (context, flowing) = (&self.context, &self.flowing);
                self.tasks.spawn(poller::headsets(context.clone(), flowing.subscribe()));
                self.tasks.spawn(poller::sessions(context.clone()));
                self.tasks.spawn(token::keep_fresh(context.clone()));
                self.tasks.spawn(clock_sync::keep_measured(context.clone()));
                let wanted: Vec<_> = self.state.wanted.keys().cloned().collect();
                for headset in wanted {
                    self.start_headset_task(headset);
                }
            }
            SignInState::Again | SignInState::Done(_) => self.retry(),
        }
    }

    /// Runs sign-in again from login to token, with a new token if `forget` is set: something may
    /// have been lost, or something missing may now be there.
    fn sign_in_again(&mut self, forget: bool) {
        let SignInState::Done(done) = self.sign_in else { return };
        self.sign_in = SignInState::Again;
        let context = self.context.clone();
        self.tasks.spawn(async move {
            // Sign-in may succeed every time although the next request is refused; this must not
            // become a flood of requests.
            sleep_until(done + SIGNED_IN).await;
            if forget {
                context.account.sign_out();
            }
            sign_in::sign_in(context, false).await;
        });
    }

    /// Retries now what would be retried later.
    fn retry(&mut self) {
        self.context.retry.send_replace(());
        self.context.refresh_now();
        for handle in
            self.headset_tasks.values().filter(|handle| handle.progress.stopped_by().is_some())
        {
            // A task whose queue is full will get to it anyway.
            let _ = handle.orders.try_send(TaskOrder::Retry);
        }
    }

    /// Queries the clock and profile of each newly connected headset, and the clock again after
    /// this machine slept.
    fn initialize_connected(&mut self) {
        let headsets = self.context.headsets.borrow();
        let connected: HashSet<_> = headsets
            .iter()
            .filter(|headset| headset.is_connected())
            .map(|headset| headset.id.clone())
            .collect();
        let now = Moment::now();
        for headset in &connected {
            let new = !self.initialized.contains(headset);
            if new {
                self.context.clocks.forget(headset);
                self.tasks.spawn(profiles::follow(self.context.clone(), headset.clone()));
            }
            if new || self.context.clocks.is_outdated(headset, now) {
                self.tasks.spawn(clock_sync::measure(self.context.clone(), headset.clone()));
            }
        }
        drop(headsets);
        self.initialized = connected;
    }

    /// Starts the task that keeps a headset streaming.
    fn start_headset_task(&mut self, headset: HeadsetId) {
        let (sender, orders) = mpsc::channel(ORDERS);
        let called_off = watch::Sender::new(false);
        let last = self.state.wanted.get(&headset).cloned().flatten();
        let (context, watched) = (self.context.clone(), called_off.subscribe());
        let task = HeadsetTask::new(context, headset.clone(), last, orders, watched);
        let task = self.tasks.spawn(task.run());
        self.headset_tasks.insert(
            headset,
            TaskHandle { orders: sender, called_off, task, progress: HeadsetProgress::Away },
        );
    }

    /// Takes the only headset, unless the user has closed one.
    async fn take_only_headset(&mut self) {
        if !self.state.take_only || !self.state.wanted.is_empty() {
            return;
        }
        let only = match self.context.headsets.borrow().as_slice() {
            [only] => only.clone(),
            _ => return,
        };
        if !only.is_on_usb_cable() {
            self.state.request(only.id.clone(), None);
            self.start_headset_task(only.id);
        } else if self.cable_explained.as_ref() != Some(&only.id) {
            self.context.events.send_error(open_session::on_usb_cable(&only.id)).await;
            self.cable_explained = Some(only.id);
        }
    }

    /// Scans while nothing is connected and the only thing to wait for is that a headset appears
    /// (§2.5): a visible one is about to be connected, and a scan cannot be called off.
    async fn scan_if_needed(&mut self) {
        let nobody = !self.context.headsets.borrow().iter().any(Headset::is_connected);
        // The list may omit a headset whose streams are running, and a scan would disturb them.
        let idle = self.headset_tasks.iter().all(|(id, handle)| {
            matches!(handle.progress, HeadsetProgress::Away | HeadsetProgress::Stopped(_))
                && self.context.headset(id).is_none()
        });
        if self.scanner.is_due(&self.context).await && nobody && idle {
            self.scanner.start(&self.context, &mut self.tasks).await;
        }
    }

    fn is_flowing(&self) -> bool {
        self.headset_tasks.values().any(|handle| {
            matches!(handle.progress, HeadsetProgress::Live { flowing: Some(true), .. })
        })
    }

    /// The current step; with several headsets, that of the most advanced one.
    fn current_step(&self) -> ConnectionStep {
        if let Some(step) = &self.signing_in {
            return step.clone();
        }
        if self.is_flowing() {
            return ConnectionStep::Streaming;
        }
        let at = |is: fn(&HeadsetProgress) -> bool| {
            self.headset_tasks
                .iter()
                .find(|(_, handle)| is(&handle.progress))
                .map(|(id, _)| id.clone())
        };
        let is_opening = |progress: &_| {
            matches!(
                progress,
                HeadsetProgress::Opening | HeadsetProgress::Live { flowing: None, .. }
            )
        };
        if let Some(headset) = at(is_opening) {
            ConnectionStep::Opening(headset)
        } else if let Some(headset) = at(|progress| *progress == HeadsetProgress::Connecting) {
            ConnectionStep::Connecting(headset)
        } else if at(|progress| {
            matches!(
                progress,
                HeadsetProgress::Live { watching: false, .. } | HeadsetProgress::Stopped(_)
            )
        })
        .is_some()
        {
            ConnectionStep::Stopped
        } else if at(|progress| matches!(progress, HeadsetProgress::Live { .. })).is_some() {
            ConnectionStep::Watching
        } else if !self.listed {
            ConnectionStep::Listing
        } else if let Some(next) = self.headset_tasks.keys().find_map(|id| self.context.headset(id))
        {
            // Its task is about to take it.
            if next.is_connected() {
                ConnectionStep::Opening(next.id)
            } else {
                ConnectionStep::Connecting(next.id)
            }
        } else if self.context.headsets.borrow().is_empty() {
            ConnectionStep::Searching
        } else {
            match self.headset_tasks.keys().next() {
                Some(missing) => ConnectionStep::Missing(missing.clone()),
                None => ConnectionStep::Choosing,
            }
        }
    }

    async fn send_step(&mut self) {
        let step = self.current_step();
        if self.step.as_ref() != Some(&step) {
            self.step = Some(step.clone());
            let link = event::Link::Up { security: self.security, step };
            self.context.events.send(Event::Link(link)).await;
        }
    }

    /// Ends the tasks, reports which sessions are gone, and, when quitting, closes ours within a
    /// second.
    async fn finish(mut self, end: &ConnectionEnd, link: &mut LinkHandle) {
        self.tasks.abort_all();
        let live: Vec<_> = self
            .headset_tasks
            .drain()
            .filter_map(|(_, handle)| match handle.progress {
                HeadsetProgress::Live { session, foreign, streams, .. } => {
                    Some((session, foreign, streams))
                }
                _ => None,
            })
            .collect();
        let why = match end {
            ConnectionEnd::Quit => {
                let closing =
                    live.iter().map(|(session, foreign, own)| self.leave(session, *foreign, own));
                if timeout(CLOSING, join_all(closing)).await.is_err() {
                    tracing::warn!(
                        "Cortex did not close our sessions in time; closing the socket ends them"
                    );
                }
                "cortop has ended"
            }
            // Only the message: its next step no longer applies once the connection is back, but
            // the session stays gone.
            ConnectionEnd::Lost(error) => error.message(),
            ConnectionEnd::Unusable => "the service does not know who is calling",
        };
        // It may have ended already; if not, wait for the goodbye no longer than this.
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
                ConnectionEnd::Quit => self.context.closed_as_ordered(&session, why).await,
                _ => self.context.closed(&session, why).await,
            }
        }
    }

    /// Leaves a session. One of ours: stops the record that cortop runs in it and closes it.
    /// Another program's: leaves it as it was before cortop came.
    async fn leave(&self, session: &SessionId, foreign: bool, streams: &[Stream]) {
        if self.context.record_log.is_ours(session)
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

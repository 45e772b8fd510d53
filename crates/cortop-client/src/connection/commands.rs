//! Executes the application's commands: passes each to the task of its headset, or to a task of its
//! own.

use serde_json::json;
use tokio::sync::mpsc::error::TrySendError;

use super::{Connection, SignInState, TASKS, TaskHandle};
use crate::{
    Command, CommandId, Event, MarkerCommand, RecordCommand, SessionMode,
    context::HeadsetProgress,
    headset_task::{self, SessionChange, TaskOrder},
    headsets, markers, profiles, records,
    state::LastSession,
};
use cortop_protocol::{Error, ErrorKind, ErrorSubject, HeadsetId, Method, SessionId};

fn unknown_session(method: Method, session: SessionId) -> Error {
    Error::new(
        ErrorKind::User,
        "it is not one of our sessions, or has ended",
        "open the headset first",
    )
    .on(method)
    .about(ErrorSubject::Session(session))
}

impl Connection<'_> {
    pub(super) async fn on_command(&mut self, command: Command) {
        match command {
            Command::Tracked { id, command } => self.execute(*command, Some(id)).await,
            command => self.execute(command, None).await,
        }
    }

    async fn execute(&mut self, command: Command, id: Option<CommandId>) {
        match command {
            Command::Open { headset, mode } => self.open(headset, mode).await,
            Command::Adopt(session) => self.adopt(session).await,
            Command::CallOff(headset) => self.call_off(&headset).await,
            Command::Disconnect(headset) => self.disconnect(headset).await,
            Command::Scan { anyway: false } if self.is_flowing() => {
                let why = "scanning disturbs running streams";
                let next = "close the sessions first, or scan anyway";
                self.refuse(Method::ControlDevice, why, next).await;
            }
            Command::Scan { .. } => self.scanner.start(&self.context, &mut self.tasks).await,
            Command::Activate(session) => self.order(session, SessionChange::Activate, id).await,
            Command::Debit { session, activations } => self.debit(session, activations, id).await,
            Command::Close(session) => self.order(session, SessionChange::Close, id).await,
            Command::Release(session) => self.order(session, SessionChange::Release, id).await,
            Command::Subscribe(session, streams) => {
                self.order(session, SessionChange::Subscribe(streams), id).await;
            }
            Command::Unsubscribe(session, streams) => {
                self.order(session, SessionChange::Unsubscribe(streams), id).await;
            }
            Command::Connect => self.retry(),
            _ if self.signing_in.is_some() => {
                let refusal = self.not_signed_in();
                self.context.events.send_outcome(id, Err(refusal)).await;
            }
            _ if self.tasks.len() >= TASKS => {
                let busy = Error::new(ErrorKind::Busy, "cortop is busy", "try again in a moment");
                self.context.events.send_outcome(id, Err(busy)).await;
            }
            Command::Headset(command) => {
                self.spawn(id, headsets::execute(self.context.clone(), command));
            }
            Command::Record(command) => {
                let headset = match &command {
                    RecordCommand::Start(session, _) => self.headset_of(session),
                    _ => None,
                };
                self.spawn(id, records::execute(self.context.clone(), command, headset));
            }
            Command::Marker(command) => {
                let (MarkerCommand::Mark { session, .. } | MarkerCommand::End { session, .. }) =
                    &command;
                let headset = self.headset_of(session);
                self.spawn(id, markers::execute(self.context.clone(), command, headset));
            }
            Command::Profile(command) => {
                self.spawn(id, profiles::execute(self.context.clone(), command));
            }
            // A command is tracked only once, and `Quit` is handled elsewhere.
            Command::Tracked { .. } | Command::Quit => {}
        }
    }

    /// Why nothing that needs a token can be done: the refusal, or how far signing in has come.
    fn not_signed_in(&self) -> Error {
        let step = self.signing_in.as_ref().map(ToString::to_string).unwrap_or_default();
        self.sign_in_refusal.clone().unwrap_or_else(|| {
            let why = format!("cortop is not signed in yet ({step})");
            Error::new(ErrorKind::Busy, why, "try again once it is")
        })
    }

    /// Runs a command in a task of its own, which reports how it ended.
    fn spawn(
        &mut self,
        id: Option<CommandId>,
        work: impl Future<Output = Result<(), Error>> + Send + 'static,
    ) {
        let events = self.context.events.clone();
        self.tasks.spawn(async move { events.send_outcome(id, work.await).await });
    }

    /// Opens a session on a headset. A headset that has one ignores it, unless that one is being
    /// closed.
    async fn open(&mut self, headset: HeadsetId, mode: Option<SessionMode>) {
        match self
            .headset_tasks
            .get(&headset)
            .map(|handle| handle.orders.try_send(TaskOrder::Open(mode)))
        {
            Some(Ok(())) => {}
            Some(Err(TrySendError::Full(_))) => {
                self.refuse(Method::CreateSession, "busy", "try again in a moment").await;
            }
            // The task has just ended.
            Some(Err(TrySendError::Closed(_))) | None => {
                self.state.request(headset.clone(), mode);
                if matches!(self.sign_in, SignInState::First) {
                    self.retry();
                } else {
                    self.start_headset_task(headset);
                }
            }
        }
    }

    /// Follows a session that another program has opened.
    async fn adopt(&mut self, session: SessionId) {
        let seen = self.context.sessions.borrow().iter().find(|own| own.id == session).cloned();
        let Some(headset) = seen.map(|seen| seen.headset.id) else {
            return self
                .refuse(Method::QuerySessions, "this session has ended", "open the headset")
                .await;
        };
        if self.headset_tasks.contains_key(&headset) {
            return self.open(headset, None).await;
        }
        self.state.wanted.insert(headset.clone(), Some(LastSession { session, foreign: true }));
        self.start_headset_task(headset);
    }

    async fn call_off(&mut self, headset: &HeadsetId) {
        match self.headset_tasks.get(headset) {
            Some(handle) if !matches!(handle.progress, HeadsetProgress::Live { .. }) => {
                handle.called_off.send_replace(true);
            }
            Some(_) => {
                self.refuse(Method::CreateSession, "it has a session", "close the session instead")
                    .await;
            }
            None => self.state.forget(headset),
        }
    }

    async fn order(&self, session: SessionId, change: SessionChange, id: Option<CommandId>) {
        let method = change.method();
        let handle = self.task_of(&session).map(|(_, handle)| handle.orders.clone());
        let order = TaskOrder::Change(session.clone(), change, id);
        let error = match handle.map(|orders| orders.try_send(order)) {
            Some(Ok(())) => return,
            Some(Err(_)) => Error::new(ErrorKind::User, "busy", "try again in a moment").on(method),
            None => unknown_session(method, session),
        };
        self.context.events.send_outcome(id, Err(error)).await;
    }

    /// Moves activations to this computer, then activates a session with one of them.
    async fn debit(&mut self, session: SessionId, activations: u32, id: Option<CommandId>) {
        let Some(orders) = self.task_of(&session).map(|(_, handle)| handle.orders.clone()) else {
            return self
                .context
                .events
                .send_outcome(id, Err(unknown_session(Method::Authorize, session)))
                .await;
        };
        let context = self.context.clone();
        self.spawn(id, async move {
            context.debit(activations).await?;
            let activate = TaskOrder::Change(session, SessionChange::Activate, None);
            if orders.send(activate).await.is_err() {
                // They have been moved: repeating the command would move more.
                let next = "the activations are here now; open the headset again";
                let ended = "the session has ended meanwhile";
                context
                    .events
                    .send_error(Error::new(ErrorKind::User, ended, next).on(Method::UpdateSession))
                    .await;
            }
            Ok(())
        });
    }

    /// The headset of a session of ours, and its task.
    fn task_of(&self, session: &SessionId) -> Option<(&HeadsetId, &TaskHandle)> {
        self.headset_tasks.iter().find(
            |(_, handle)| matches!(&handle.progress, HeadsetProgress::Live { session: own, .. } if own == session),
        )
    }

    fn headset_of(&self, session: &SessionId) -> Option<HeadsetId> {
        self.task_of(session).map(|(headset, _)| headset.clone())
    }

    async fn refuse(&self, method: Method, message: &'static str, next: &'static str) {
        self.context.events.send_error(Error::new(ErrorKind::User, message, next).on(method)).await;
    }

    /// Closes the session that cortop opened on a headset, then disconnects it.
    async fn disconnect(&mut self, headset: HeadsetId) {
        self.state.forget(&headset);
        let mut session = None;
        if let Some(handle) = self.headset_tasks.remove(&headset) {
            handle.task.abort();
            match handle.progress {
                HeadsetProgress::Live { session: own, foreign, .. } => {
                    session = Some((own, foreign));
                }
                HeadsetProgress::Stopped(_) => {
                    let goes_on = Event::Stopped { headset: headset.clone(), refusal: None };
                    self.context.events.send(goes_on).await;
                }
                _ => {}
            }
        }
        let context = self.context.clone();
        self.tasks.spawn(async move {
            if let Some((session, foreign)) = session {
                if !foreign && let Err(failure) = headset_task::close(&context, &session).await {
                    tracing::warn!("{}", failure);
                }
                context.closed_as_ordered(&session, "its headset was disconnected by you").await;
            }
            let params = json!({"command": "disconnect", "headset": headset.as_str()});
            if let Err(failure) = context.ask(Method::ControlDevice, params).await {
                context.events.send_error(failure).await;
            }
            context.refresh_now();
        });
    }
}

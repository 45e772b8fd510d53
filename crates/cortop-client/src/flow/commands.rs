//! What the application asks of the flow: handed to the keeper of a headset, or to a task of its own.

use serde_json::json;

use super::{Flow, Kept, SignIn, TASKS};
use crate::{
    Command, MarkerCommand, RecordCommand, SessionMode,
    context::Stage,
    devices,
    keeper::{self, Order},
    markers, profiles, records,
};
use cortop_protocol::{HeadsetId, Refusal, SessionId};

impl Flow<'_> {
    pub(super) async fn command(&mut self, command: Command) {
        match command {
            Command::Open { headset, mode } => self.open(headset, mode),
            Command::Disconnect(headset) => self.disconnect(headset),
            Command::Scan { anyway: false } if self.is_flowing() => {
                let why = "a scan harms the streams that flow";
                let next = "close the sessions first, or scan all the same";
                self.refuse("controlDevice", why, next).await;
            }
            Command::Scan { .. } => self.scans.start(&self.context, &mut self.tasks).await,
            Command::Activate(session) => self.order(&session, Order::Activate).await,
            Command::Close(session) => self.order(&session, Order::Close).await,
            Command::Subscribe(session, streams) => {
                self.order(&session, Order::Subscribe(streams)).await;
            }
            Command::Unsubscribe(session, streams) => {
                self.order(&session, Order::Unsubscribe(streams)).await;
            }
            _ if self.signing_in.is_some() || self.tasks.len() >= TASKS => {
                let next = "try again in a moment";
                self.refuse("command", "cortop is signing in, or busy", next).await;
            }
            Command::Headset(command) => {
                self.tasks.spawn(devices::carry_out(self.context.clone(), command));
            }
            Command::Record(command) => {
                let headset = match &command {
                    RecordCommand::Start(session, _) => self.headset_of(session),
                    _ => None,
                };
                self.tasks.spawn(records::carry_out(self.context.clone(), command, headset));
            }
            Command::Marker(command) => {
                let (MarkerCommand::Mark { session, .. } | MarkerCommand::End { session, .. }) =
                    &command;
                let headset = self.headset_of(session);
                self.tasks.spawn(markers::carry_out(self.context.clone(), command, headset));
            }
            Command::Profile(command) => {
                self.tasks.spawn(profiles::carry_out(self.context.clone(), command));
            }
            Command::Connect => self.retry(),
            Command::Quit => {}
        }
    }

    fn open(&mut self, headset: HeadsetId, mode: Option<SessionMode>) {
        match self.kept.get(&headset) {
            // What is wanted of the next session is not said of this one.
            Some(Kept { stage: Stage::Live { .. }, .. }) => {}
            Some(kept) => {
                self.memory.want(headset, mode);
                // A keeper that is full of orders will come to them.
                let _ = kept.orders.try_send(Order::Open);
            }
            None => {
                self.memory.want(headset.clone(), mode);
                if matches!(self.sign_in, SignIn::First) {
                    self.retry();
                } else {
                    self.keep(headset);
                }
            }
        }
    }

    async fn order(&self, session: &SessionId, order: Order) {
        let method = order.method();
        match self.keeper_of(session).map(|(_, kept)| kept.orders.try_send(order)) {
            Some(Ok(())) => {}
            Some(Err(_)) => self.refuse(method, "busy", "try again in a moment").await,
            None => {
                let why = "it is no session of ours, or gone";
                self.refuse(method, why, "open the headset first").await;
            }
        }
    }

    /// The headset behind a session of ours, and who keeps it.
    fn keeper_of(&self, session: &SessionId) -> Option<(&HeadsetId, &Kept)> {
        self.kept.iter().find(
            |(_, kept)| matches!(&kept.stage, Stage::Live { session: own, .. } if own == session),
        )
    }

    fn headset_of(&self, session: &SessionId) -> Option<HeadsetId> {
        self.keeper_of(session).map(|(headset, _)| headset.clone())
    }

    async fn refuse(&self, method: &str, message: &str, next: &str) {
        self.context.outbox.refused(Refusal::own(method, message, next)).await;
    }

    /// Closes the session that cortop opened on a headset, then disconnects it.
    fn disconnect(&mut self, headset: HeadsetId) {
        self.memory.forget(&headset);
        let session = self.kept.remove(&headset).and_then(|kept| {
            kept.task.abort();
            match kept.stage {
                Stage::Live { session, adopted, .. } => Some((session, adopted)),
                _ => None,
            }
        });
        let context = self.context.clone();
        self.tasks.spawn(async move {
            if let Some((session, adopted)) = session {
                if !adopted && let Err(failure) = keeper::close(&context, &session).await {
                    tracing::warn!("{}", failure.refusal("updateSession"));
                }
                context.closed_as_ordered(&session, "its headset was disconnected by you").await;
            }
            let params = json!({"command": "disconnect", "headset": headset.as_str()});
            if let Err(failure) = context.ask("controlDevice", params).await {
                context.outbox.refused(failure.refusal("controlDevice")).await;
            }
            context.look_now();
        });
    }
}

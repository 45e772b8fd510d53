//! Requests, their time limits, and their outcomes. How they cross the socket is the link's
//! business.

use std::time::Duration;

use serde_json::Value;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use cortop_protocol::{Error, ErrorKind, ErrorSubject, Headset, Method, SessionId};

/// How long to wait for an answer (§9.2).
const LIMIT: Duration = Duration::from_secs(30);

/// How long to wait for the answer of a method: a profile is slow to load (§2.10), and an export
/// writes files as long as the record.
pub(super) const fn limit(method: Method) -> Duration {
    match method {
        Method::SetupProfile => Duration::from_secs(45),
        Method::ExportRecord => Duration::from_secs(5 * 60),
        _ => LIMIT,
    }
}

/// Added to the limit, so that the link detects a dead service before its requests count as
/// unanswered.
const GRACE: Duration = Duration::from_secs(1);

/// How many requests may wait for the link.
const QUEUE: usize = 32;

/// A request. Not `Debug`: its parameters contain credentials and tokens.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) params: Value,
    pub(super) effect: AnswerEffect,
}

/// What the link itself does with the answer to a request, before it reads the next message.
#[derive(Clone)]
pub(super) enum AnswerEffect {
    /// Nothing.
    None,
    /// Registers the columns of a `subscribe`. `fast_met`: activated with scope `pm` (§5.1).
    Subscribe { session: SessionId, headset: Box<Headset>, fast_met: bool },
    /// Forgets the streams of an `unsubscribe`.
    Unsubscribe { session: SessionId },
    /// Hands over the marker that an `injectMarker` has set or an `updateMarker` has made an
    /// interval.
    Mark { session: SessionId },
    /// Forgets a closed session.
    Close { session: SessionId },
}

impl Request {
    /// A request with parameters.
    pub(super) fn new(method: Method, params: Value) -> Self {
        Self { method, params, effect: AnswerEffect::None }
    }

    /// Adds an effect on the link.
    pub(super) fn with(mut self, effect: AnswerEffect) -> Self {
        self.effect = effect;
        self
    }
}

/// The error of a request that got no answer.
fn no_answer(method: Method) -> Error {
    Error::new(
        ErrorKind::NoAnswer,
        "Cortex did not answer in time",
        "try again; if this persists, restart the Cortex service",
    )
    .on(method)
}

/// The error of a request whose connection was lost.
fn connection_lost(method: Method) -> Error {
    let next = "cortop reconnects automatically";
    Error::new(ErrorKind::ConnectionLost, "the connection was lost", next).on(method)
}

/// Commands to the link.
pub(super) enum LinkCommand {
    /// Send this; the answer goes to `reply`.
    Call { request: Request, reply: oneshot::Sender<Result<Value, Error>> },
    /// A session is lost, though no warning said so; its samples may still come back.
    SessionLost(SessionId),
    /// Say goodbye and end.
    Close,
}

/// The requesting end of a link.
#[derive(Clone)]
pub(super) struct Rpc {
    commands: mpsc::Sender<LinkCommand>,
}

/// Creates the bounded queue between callers and the link.
pub(super) fn channel() -> (Rpc, mpsc::Receiver<LinkCommand>) {
    let (commands, receiver) = mpsc::channel(QUEUE);
    (Rpc { commands }, receiver)
}

impl Rpc {
    /// Sends a request and waits for the answer. The link ignores an answer that arrives after the
    /// limit.
    pub(super) async fn call(&self, request: Request) -> Result<Value, Error> {
        let method = request.method;
        let subject = ErrorSubject::of_params(&request.params);
        let exchange = async {
            let (reply, answer) = oneshot::channel();
            let command = LinkCommand::Call { request, reply };
            self.commands.send(command).await.map_err(|_| connection_lost(method))?;
            answer.await.map_err(|_| connection_lost(method))?
        };
        let answer = timeout(limit(method) + GRACE, exchange).await;
        answer.unwrap_or_else(|_| Err(no_answer(method))).map_err(|error| error.about(subject))
    }

    /// Notifies the link that a session is lost.
    pub(super) async fn session_lost(&self, session: SessionId) {
        // If the link is gone, all sessions have ended.
        let _ = self.commands.send(LinkCommand::SessionLost(session)).await;
    }

    /// Ends the link with a close frame.
    pub(super) async fn close(&self) {
        // If the link is gone, it is closed.
        let _ = self.commands.send(LinkCommand::Close).await;
    }
}

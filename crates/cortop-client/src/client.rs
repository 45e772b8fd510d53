//! The client: connects, runs the flow of §2, and when the connection is lost, reconnects with
//! exponential backoff and restores what was there.

use std::{pin::pin, sync::Arc, time::Duration};

use serde_json::json;
use tokio::{
    sync::mpsc,
    task::{JoinHandle, spawn_blocking},
    time::{Instant, sleep_until, timeout},
};

use super::{
    ClientConfig, Command, Event, Link, Security,
    connection::{self, ConnectionEnd},
    endpoint::Endpoint,
    event_sender::EventSender,
    feed::{FeedSender, feed},
    link,
    rpc::Request,
    socket::{Socket, connect},
    state::PersistentState,
};
use cortop_protocol::{Error, ErrorKind, Headset, Method, secrets::Secrets, tolerant};

/// Capacity of the queues of commands and events.
const COMMANDS: usize = 32;
const EVENTS: usize = 256;

/// How long quitting waits for the service to answer the goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// The first and the longest pause before reconnecting.
const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// How long a connection must have lived for its loss not to count towards the failures in a row. A
/// greeting alone proves little, and activating a session on every attempt is expensive.
const STEADY: Duration = Duration::from_secs(30);

/// After this many connections in a row on which Cortex could not identify the caller (§7.1), the
/// user is advised to restart it.
const UNUSABLE: u32 = 3;

/// The handle of a running client.
#[derive(Debug)]
pub struct Client {
    /// Commands to the client. Bounded: when the queue is full the client is busy, and the
    /// application should tell the user that the command was not accepted.
    pub commands: mpsc::Sender<Command>,
    /// What the client reports, bounded; closed when the client has ended.
    pub events: mpsc::Receiver<Event>,
    /// The client's task; it ends after [`Command::Quit`].
    pub task: JoinHandle<()>,
}

impl Client {
    /// Starts the client's tasks on the current runtime. It connects automatically and reconnects
    /// until it is quit. Samples go to `feed`.
    ///
    /// An event that finds no room for a second is dropped, so that quitting never waits for an
    /// application that has stopped reading.
    #[must_use]
    pub fn spawn(config: ClientConfig, feed: FeedSender) -> Self {
        Self::start(PersistentState::new(Arc::new(config)), feed)
    }

    /// Like [`spawn`](Self::spawn), but never takes a headset automatically, neither the configured
    /// one nor the only one there is: only [`Command::Open`] opens a session.
    #[must_use]
    pub fn spawn_passive(config: ClientConfig, feed: FeedSender) -> Self {
        let config = config.headset(None);
        Self::start(
            PersistentState { take_only: false, ..PersistentState::new(Arc::new(config)) },
            feed,
        )
    }

    /// Queries the headsets that the service sees now, over a separate connection that ends with
    /// the answer. It needs no credentials (§3.2) and asks nothing else.
    ///
    /// # Errors
    /// The configuration cannot be used, or the service cannot be reached or does not answer.
    pub async fn query_headsets(config: &ClientConfig) -> Result<Vec<Headset>, Error> {
        let (socket, _) = connect(&config.endpoint()?).await?;
        // No samples arrive without a subscription.
        let (feed, _samples) = feed();
        let link =
            link::spawn(socket, feed, Arc::default(), Secrets::default(), config.tap.clone());
        let method = Method::QueryHeadsets;
        let answer = link.rpc.call(Request::new(method, json!({}))).await;
        link.rpc.close().await;
        // A link that panicked is gone as well.
        let _ = link.task.await;
        answer.map(|answer| tolerant::objects(method.name(), answer))
    }

    /// Closes the sessions that the client opened and ends the client, within a second.
    pub async fn quit(mut self) {
        let goodbye = async {
            // A client that has already ended has nothing to close.
            if self.commands.send(Command::Quit).await.is_ok() {
                // A full queue would keep the client from its goodbye.
                while self.events.recv().await.is_some() {}
            }
        };
        if timeout(GOODBYE, goodbye).await.is_err() {
            tracing::warn!("the service did not answer our goodbye in time");
        }
        self.task.abort();
    }

    fn start(state: PersistentState, feed: FeedSender) -> Self {
        let (commands, received) = mpsc::channel(COMMANDS);
        let (event_sender, events) = mpsc::channel(EVENTS);
        let task = tokio::spawn(run(state, feed, received, EventSender::new(event_sender)));
        Self { commands, events, task }
    }
}

async fn run(
    mut state: PersistentState,
    feed: FeedSender,
    mut commands: mpsc::Receiver<Command>,
    events: EventSender,
) {
    let mut checked = match state.config.endpoint() {
        Ok(endpoint) => Some(endpoint),
        Err(error) => return events.send_error(error).await,
    };
    let mut failed = 0;
    let mut unusable = 0;
    loop {
        events.send(Event::Link(Link::Connecting)).await;
        let connected = {
            // Pinned outside the loop, so that a command does not start it over.
            let mut connecting = pin!(reach(Arc::clone(&state.config), checked.take()));
            loop {
                tokio::select! {
                    connected = &mut connecting => break connected,
                    command = commands.recv() => {
                        if handle_offline(command, &mut state, &events).await.is_none() {
                            return;
                        }
                    }
                }
            }
        };
        let error = match connected {
            Err(error) => error,
            Ok((socket, security)) => {
                let (clocks, secrets) = (Arc::clone(&state.clocks), events.secrets.clone());
                let tap = state.config.tap.clone();
                let link = link::spawn(socket, feed.clone(), clocks, secrets, tap);
                let events = events.clone();
                let since = Instant::now();
                let end = connection::run(&mut state, link, security, events, &mut commands).await;
                if since.elapsed() >= STEADY {
                    failed = 0;
                }
                match end {
                    ConnectionEnd::Quit => return,
                    ConnectionEnd::Lost(error) => {
                        unusable = 0;
                        error
                    }
                    ConnectionEnd::Unusable => {
                        unusable += 1;
                        unknown_caller(unusable)
                    }
                }
            }
        };
        failed += 1;
        let at = Instant::now() + pause(failed, rand::random());
        tracing::debug!("{failed} connections have failed in a row: {error}");
        events.send(Event::Link(Link::Waiting { error, at, attempt: failed })).await;
        loop {
            tokio::select! {
                () = sleep_until(at) => break,
                command = commands.recv() => {
                    // Somebody wants a connection now.
                    let now = matches!(command, Some(Command::Connect | Command::Open { .. }));
                    if handle_offline(command, &mut state, &events).await.is_none() {
                        return;
                    }
                    if now {
                        break;
                    }
                }
            }
        }
    }
}

/// Connects. Without a `checked` endpoint the certificates are read again: the user may have repaired
/// them.
async fn reach(
    config: Arc<ClientConfig>,
    checked: Option<Endpoint>,
) -> Result<(Socket, Security), Error> {
    let endpoint = match checked {
        Some(endpoint) => endpoint,
        None => spawn_blocking(move || config.endpoint())
            .await
            .map_err(|error| link::lost(error.to_string(), ""))??,
    };
    connect(&endpoint).await
}

/// The error of too many connections in a row on which Cortex could not identify the caller.
fn unknown_caller(times: u32) -> Error {
    let meaning = "the service does not know who is calling (warning 11)";
    if times < UNUSABLE {
        link::lost(meaning, "cortop opens the connection again")
    } else {
        link::lost(format!("{meaning}, {times} times in a row"), "restart the Cortex service")
    }
}

/// Handles a command while there is no connection; `None` ends the client.
async fn handle_offline(
    command: Option<Command>,
    state: &mut PersistentState,
    events: &EventSender,
) -> Option<()> {
    match command? {
        Command::Quit => return None,
        Command::Connect => {}
        Command::Open { headset, mode } => state.request(headset, mode),
        Command::CallOff(headset) => state.forget(&headset),
        command => {
            let id = match command {
                Command::Tracked { id, .. } => Some(id),
                _ => None,
            };
            let next = "wait until cortop has connected";
            let error = Error::new(ErrorKind::ConnectionLost, "not connected to Cortex", next);
            events.send_outcome(id, Err(error)).await;
        }
    }
    Some(())
}

/// The pause after `failed` failures in a row: it doubles up to the longest, jittered by up to a
/// fifth so that many clients do not reconnect together. `chance` is in 0..1.
fn pause(failed: u32, chance: f64) -> Duration {
    let doubled = SHORTEST * 2u32.saturating_pow(failed.saturating_sub(1).min(16));
    doubled.min(LONGEST).mul_f64(0.8 + 0.2 * chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let longest: Vec<_> = (1..=9).map(|failed| pause(failed, 1.0).as_secs_f64()).collect();
        assert_eq!(longest, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]);
        for failed in [1, 5, 50, u32::MAX] {
            assert!(pause(failed, 0.0) >= SHORTEST.mul_f64(0.8));
            assert!(pause(failed, 1.0) <= LONGEST);
        }
    }

    #[test]
    fn the_third_unusable_connection_asks_for_a_restart() {
        assert!(!unknown_caller(2).to_string().contains("restart"));
        assert_eq!(unknown_caller(3).next, "restart the Cortex service");
    }
}

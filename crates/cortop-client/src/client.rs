//! The client: connects, walks the flow of §2, and when the connection is lost connects again, with
//! growing pauses, restoring what was there.

use std::{pin::pin, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use super::{
    Command, Config, Event, Link,
    connection::{self, End},
    context::Outbox,
    feed::FeedSender,
    link,
    socket::connect,
    state::Memory,
};
use cortop_protocol::{Error, ErrorKind};

/// Commands and events that may wait.
const COMMANDS: usize = 32;
const EVENTS: usize = 256;

/// The pause before the first try again, and the longest.
const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// How long a connection must have lived for its loss to be no failure in a row: a greeting alone
/// is cheap, and a session that is activated on each try is not.
const STEADY: Duration = Duration::from_secs(30);

/// Connections in a row on which Cortex could not tell who is calling (§7.1), before the user is
/// told to restart it.
const UNUSABLE: u32 = 3;

/// The handle of a running client.
#[derive(Debug)]
pub struct Client {
    /// Bounded: a full queue means a client that is busy, and the key is refused aloud.
    pub commands: mpsc::Sender<Command>,
    /// What the client tells, bounded; closed when the client has ended.
    pub events: mpsc::Receiver<Event>,
    /// The task; joining it after [`Command::Quit`] waits for the goodbye.
    pub task: JoinHandle<()>,
}

impl Client {
    /// Starts the client's tasks on the current runtime. It connects by itself and reconnects
    /// until told to quit. Samples go to `feed`.
    ///
    /// An event that finds no room for a second is dropped, so that leaving never waits for an
    /// application that has stopped reading.
    #[must_use]
    pub fn spawn(config: Config, feed: FeedSender) -> Self {
        Self::start(Memory::new(Arc::new(config)), feed)
    }

    /// The same for looking around: takes no headset by itself, neither the configured one nor the
    /// only one there is.
    #[must_use]
    pub fn look(config: Config, feed: FeedSender) -> Self {
        let config = config.headset(None);
        Self::start(Memory { alone: false, ..Memory::new(Arc::new(config)) }, feed)
    }

    fn start(memory: Memory, feed: FeedSender) -> Self {
        let (commands, orders) = mpsc::channel(COMMANDS);
        let (outbox, events) = mpsc::channel(EVENTS);
        let task = tokio::spawn(run(memory, feed, orders, Outbox::new(outbox)));
        Self { commands, events, task }
    }
}

async fn run(
    mut memory: Memory,
    feed: FeedSender,
    mut commands: mpsc::Receiver<Command>,
    outbox: Outbox,
) {
    let endpoint = match memory.config.endpoint() {
        Ok(endpoint) => endpoint,
        Err(error) => return outbox.refused(error).await,
    };
    let mut failed = 0;
    let mut unusable = 0;
    loop {
        outbox.tell(Event::Link(Link::Connecting)).await;
        let connected = {
            // Pinned outside of the loop: a command must not start it all over.
            let mut connecting = pin!(connect(&endpoint));
            loop {
                tokio::select! {
                    connected = &mut connecting => break connected,
                    command = commands.recv() => {
                        if offline(command, &mut memory, &outbox).await.is_none() {
                            return;
                        }
                    }
                }
            }
        };
        let error = match connected {
            Err(error) => error,
            Ok((socket, security)) => {
                let (clocks, secrets) = (Arc::clone(&memory.clocks), outbox.secrets.clone());
                let link = link::spawn(socket, feed.clone(), clocks, secrets);
                let outbox = outbox.clone();
                let since = Instant::now();
                let end = connection::run(&mut memory, link, security, outbox, &mut commands).await;
                if since.elapsed() >= STEADY {
                    failed = 0;
                }
                match end {
                    End::Quit => return,
                    End::Lost(error) => {
                        unusable = 0;
                        error
                    }
                    End::Unusable => {
                        unusable += 1;
                        unknown_caller(unusable)
                    }
                }
            }
        };
        failed += 1;
        let at = Instant::now() + pause(failed, rand::random());
        tracing::debug!("{failed} connections have failed in a row: {error}");
        outbox.tell(Event::Link(Link::Waiting { error, at, attempt: failed })).await;
        loop {
            tokio::select! {
                () = sleep_until(at) => break,
                command = commands.recv() => {
                    // Somebody wants it now.
                    let now = matches!(command, Some(Command::Connect | Command::Open { .. }));
                    if offline(command, &mut memory, &outbox).await.is_none() {
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

/// The error of connections on which Cortex could not tell who is calling, so many in a row.
fn unknown_caller(times: u32) -> Error {
    let meaning = "the service cannot tell who is calling (warning 11)";
    if times < UNUSABLE {
        link::lost(meaning, "cortop opens the connection again")
    } else {
        link::lost(format!("{meaning}, {times} times in a row"), "restart the Cortex service")
    }
}

/// What can be done about a command without a connection; `None` ends the client.
async fn offline(command: Option<Command>, memory: &mut Memory, outbox: &Outbox) -> Option<()> {
    match command? {
        Command::Quit => return None,
        Command::Connect => {}
        Command::Open { headset, mode } => memory.want(headset, mode),
        Command::CallOff(headset) => memory.forget(&headset),
        command => {
            let id = match command {
                Command::Tracked { id, .. } => Some(id),
                _ => None,
            };
            let next = "wait until cortop has connected";
            let error = Error::new(ErrorKind::ConnectionLost, "not connected to Cortex", next);
            outbox.ended(id, Err(error)).await;
        }
    }
    Some(())
}

/// The pause after so many failures in a row: doubling, jittered by up to a fifth so that many
/// clients do not come back together, and never longer than the longest. `chance` is in 0..1.
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

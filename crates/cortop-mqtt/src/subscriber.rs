//! A lab's connection: receives the messages of all stations, sends markers, and reconnects as often as
//! necessary.

use std::time::Duration;

use jiff::Timestamp;
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use crate::{
    book::Received,
    broker::Broker,
    connection::{BrokerConnection, Incoming},
    payload::{LabMarker, StationMessage, Text},
    publisher::OutgoingMessage,
    topic::{EVERYTHING, Topic},
};
use cortop_protocol::Error;

/// Pauses between attempts to connect, in seconds.
const PAUSES: [u64; 4] = [1, 2, 4, 5];

/// Maximum number of messages that wait for the reader; if there are more, the broker has to wait.
const QUEUE: usize = 1024;

/// Maximum number of markers in the queue.
const MOST_MARKERS: usize = 16;

/// What a subscriber reports.
#[derive(Clone, Debug)]
pub enum LabNotice {
    /// Connected; all retained messages follow.
    Connected,
    /// Not connected: why, and when the next attempt is.
    Disconnected(Error, Instant),
    /// A message.
    Message(Received),
    /// The broker refused a command.
    Refused(Error),
}

/// A running subscriber.
#[derive(Debug)]
pub struct Subscriber {
    /// Messages from the broker, and the state of the connection.
    pub notices: mpsc::Receiver<LabNotice>,
    /// Markers for all stations that accept them.
    pub markers: mpsc::Sender<LabMarker>,
    task: JoinHandle<()>,
}

impl Subscriber {
    /// Starts a subscriber on the current runtime.
    #[must_use]
    pub fn spawn(broker: Broker) -> Self {
        let (sender, notices) = mpsc::channel(QUEUE);
        let (markers, ordered) = mpsc::channel(MOST_MARKERS);
        let instance = Text::new(&format!("{:016x}", rand::random::<u64>()));
        let lab = LabTask { broker, instance, sender, ordered };
        Self { notices, markers, task: tokio::spawn(lab.run()) }
    }

    /// Says goodbye and ends.
    pub async fn stop(self) {
        let Self { notices, markers, task } = self;
        drop((notices, markers));
        let _ = task.await;
    }
}

/// The owner no longer listens.
struct SubscriberEnded;

struct LabTask {
    broker: Broker,
    instance: Text,
    sender: mpsc::Sender<LabNotice>,
    ordered: mpsc::Receiver<LabMarker>,
}

impl LabTask {
    async fn run(mut self) {
        let client = format!("cortop-lab-{}", self.instance);
        let mut tries = 0;
        loop {
            let opened = tokio::select! {
                opened = BrokerConnection::open(&self.broker, &client, None) => opened,
                () = self.sender.closed() => return,
            };
            let error = match opened {
                Ok(mut connection) => match self.serve(&mut connection, &mut tries).await {
                    Ok(SubscriberEnded) => return connection.close().await,
                    Err(error) => error,
                },
                Err(error) => error,
            };
            let pause = PAUSES[tries.min(PAUSES.len() - 1)];
            tries += 1;
            let until = Instant::now() + Duration::from_secs(pause);
            if self.sender.send(LabNotice::Disconnected(error, until)).await.is_err() {
                return;
            }
            tokio::select! {
                () = sleep_until(until) => {}
                () = self.sender.closed() => return,
            }
        }
    }

    async fn serve(
        &mut self,
        connection: &mut BrokerConnection,
        tries: &mut usize,
    ) -> Result<SubscriberEnded, Error> {
        connection.subscribe(vec![EVERYTHING.to_owned()]).await?;
        if self.sender.send(LabNotice::Connected).await.is_err() {
            return Ok(SubscriberEnded);
        }
        loop {
            tokio::select! {
                incoming = connection.next() => {
                    let incoming = incoming?;
                    *tries = 0;
                    if self.hand_over(incoming).await.is_err() {
                        return Ok(SubscriberEnded);
                    }
                }
                Some(marker) = self.ordered.recv(), if connection.has_room() => {
                    let wall = Timestamp::now().as_duration().as_secs_f64();
                    let payload = StationMessage::new(&self.instance, wall, marker).to_json();
                    let message = OutgoingMessage { topic: Topic::Marker, payload, retain: false };
                    connection.publish(message).await?;
                }
                () = self.sender.closed() => return Ok(SubscriberEnded),
            }
        }
    }

    async fn hand_over(&self, incoming: Incoming) -> Result<(), mpsc::error::SendError<LabNotice>> {
        let notice = match incoming {
            Incoming::Message { topic, payload, retained } => LabNotice::Message(Received {
                topic,
                payload,
                retained,
                arrival: Instant::now(),
                wall: Timestamp::now().as_duration().as_secs_f64(),
            }),
            Incoming::StationMessage(Ok(())) => return Ok(()),
            Incoming::StationMessage(Err((_, error))) => LabNotice::Refused(error),
        };
        self.sender.send(notice).await
    }
}

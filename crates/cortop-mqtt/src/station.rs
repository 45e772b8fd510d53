//! A station publishes facts and reconnects as often as necessary. A name belongs to one station: a
//! newcomer asks whether its name is taken before it publishes anything retained, and a station that is
//! online keeps its name. Clocks play no part in this, because those of two computers differ.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use crate::{
    broker::Broker,
    connection::{BrokerConnection, Incoming, NOT_ALLOWED},
    payload::{
        self, Acknowledgement, HeadsetState, LOST, LabMarker, StationEvent, StationMessage,
        StationState, Status, Text,
    },
    publisher::Publisher,
    topic::{StationName, Topic},
};
use cortop_protocol::{Error, ErrorKind};

/// How long to wait for our own question to come back.
const ECHO: Duration = Duration::from_secs(5);

/// How long to wait for the answer of another station that may have the name.
const ANSWER: Duration = Duration::from_secs(2);

/// Pauses between attempts to connect, in seconds.
const PAUSES: [u64; 5] = [1, 2, 4, 8, 15];

/// Pause before asking again for a name that another station has, in seconds.
const TAKEN_PAUSE: u64 = 60;

/// Maximum number of facts, and of reports, in the queue.
const QUEUE: usize = 64;

/// The settings of a station, which do not change while it runs.
#[derive(Clone, Debug)]
pub struct StationSettings {
    /// Its name.
    pub name: StationName,
    /// The name of this computer.
    pub host: String,
    /// The program and its version.
    pub program: String,
    /// Whether it accepts markers from a lab.
    pub accepts_markers: bool,
}

/// A fact for a station to publish.
#[derive(Clone, Debug)]
pub enum StationFact {
    /// The state of the connection to Cortex.
    Cortex {
        /// The state in words; why, if Cortex is not reached.
        words: String,
        /// Since when Cortex is not reached, in seconds since 1970 by this computer's clock.
        down_since: Option<f64>,
    },
    /// The current states of all headsets.
    Headsets(Vec<HeadsetState>),
    /// Something happened.
    Event(StationEvent),
    /// The outcome of a command.
    Acknowledged(Acknowledgement),
}

/// A report of a station to its owner.
#[derive(Clone, Debug)]
pub enum StationReport {
    /// It is publishing.
    Online,
    /// There is no connection; the station tries again.
    Offline(Error),
    /// Another station has the name.
    NameTaken(Error),
    /// Another station asked for the name and was refused.
    NameKept {
        /// The other station's computer.
        host: Text,
    },
    /// The broker refused a message.
    Refused(Error),
    /// A lab asks for a marker.
    Marker {
        /// The run of the program that sent it.
        instance: Text,
        /// The marker.
        command: LabMarker,
        /// When it arrived.
        received: Timestamp,
    },
}

/// A running station. [`Self::stop`] waits until it has said goodbye; dropping it does not.
#[derive(Debug)]
pub struct StationTask {
    /// Facts for the station. Those that do not fit in the queue are lost; the next state makes up for
    /// them.
    pub facts: mpsc::Sender<StationFact>,
    /// Reports of the station.
    pub reports: mpsc::Receiver<StationReport>,
    /// How many events and acknowledgements were dropped because too many waited for the broker.
    pub dropped: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl StationTask {
    /// Starts a station on the current runtime.
    #[must_use]
    pub fn spawn(broker: Broker, settings: StationSettings) -> Self {
        let (facts, received) = mpsc::channel(QUEUE);
        let (sender, reports) = mpsc::channel(QUEUE);
        let station = StationRun::new(broker, settings, received, sender);
        let dropped = station.publisher.dropped();
        Self { facts, reports, dropped, task: tokio::spawn(station.run()) }
    }

    /// Says goodbye and ends.
    pub async fn stop(self) {
        let Self { facts, reports, task, .. } = self;
        drop((facts, reports));
        let _ = task.await;
    }
}

/// The owner has stopped the station: no more facts will come.
struct Stopped;

/// Why a connection ended.
enum Ended {
    /// The connection is lost.
    Lost(Error),
    /// Another station has the name.
    NameTaken(Error),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Lost(error)
    }
}

struct StationRun {
    broker: Broker,
    accepts_markers: bool,
    name: StationName,
    instance: Text,
    publisher: Publisher,
    facts: mpsc::Receiver<StationFact>,
    reports: mpsc::Sender<StationReport>,
    /// How many markers could not be read.
    malformed: u64,
}

/// The state of claiming the name.
enum Naming {
    /// We have asked, and our own question has not come back yet.
    Asked {
        /// Whether the broker has the state of another station with this name.
        other: bool,
        /// When to give up.
        until: Instant,
    },
    /// Another station may answer until then.
    Waiting(Instant),
    /// The name is ours.
    Ours,
}

impl StationRun {
    fn new(
        broker: Broker,
        settings: StationSettings,
        facts: mpsc::Receiver<StationFact>,
        reports: mpsc::Sender<StationReport>,
    ) -> Self {
        let StationSettings { name, host, program, accepts_markers } = settings;
        let instance = Text::new(&format!("{:016x}", rand::random::<u64>()));
        let state = StationState {
            since: wall(),
            host: Text::new(&host),
            program: Text::new(&program),
            cortex: "starting".into(),
            accepts_markers,
            ..StationState::default()
        };
        let publisher = Publisher::new(name.clone(), instance.clone(), state);
        Self { broker, accepts_markers, name, instance, publisher, facts, reports, malformed: 0 }
    }

    async fn run(mut self) {
        let mut tries = 0;
        loop {
            let client = format!("cortop-{}", self.instance);
            let will = self.publisher.state(Status::Gone, Some(LOST), wall());
            let opened = tokio::select! {
                opened = BrokerConnection::open(&self.broker, &client, Some(&will)) => opened,
                Stopped = Self::drain(&mut self.publisher, &mut self.facts) => return,
            };
            let ended = match opened {
                Ok(mut connection) => {
                    let served = self.serve(&mut connection, &mut tries).await;
                    // Without a goodbye, the last will would report the other station as gone.
                    if !matches!(served, Err(Ended::Lost(_))) {
                        connection.close().await;
                    }
                    served
                }
                Err(error) => Err(error.into()),
            };
            let (report, pause) = match ended {
                Ok(Stopped) => return,
                Err(Ended::Lost(error)) => {
                    (StationReport::Offline(error), PAUSES[tries.min(PAUSES.len() - 1)])
                }
                Err(Ended::NameTaken(error)) => (StationReport::NameTaken(error), TAKEN_PAUSE),
            };
            self.report(report);
            tries += 1;
            let until = Instant::now() + Duration::from_secs(pause);
            tokio::select! {
                () = sleep_until(until) => {}
                Stopped = Self::drain(&mut self.publisher, &mut self.facts) => return,
            }
        }
    }

    /// Handles facts while there is no connection, until no more can come.
    async fn drain(publisher: &mut Publisher, facts: &mut mpsc::Receiver<StationFact>) -> Stopped {
        while let Some(fact) = facts.recv().await {
            take(publisher, fact);
        }
        Stopped
    }

    fn report(&self, report: StationReport) {
        // If the owner does not keep up, reports are dropped.
        let _ = self.reports.try_send(report);
    }

    /// Publishes until the connection is lost or no more facts can come.
    async fn serve(
        &mut self,
        connection: &mut BrokerConnection,
        tries: &mut usize,
    ) -> Result<Stopped, Ended> {
        let own = Topic::State(self.name.clone()).to_string();
        let mut filters = vec![own, Topic::all_headsets(&self.name)];
        if self.accepts_markers {
            filters.push(Topic::Marker.to_string());
        }
        connection.subscribe(filters).await?;
        let mut naming = Naming::Asked { other: false, until: Instant::now() + ECHO };
        connection.publish(self.publisher.state(Status::Joining, None, wall())).await?;
        let mut is_online = false;
        loop {
            if let Naming::Ours = naming {
                if !is_online {
                    is_online = true;
                    *tries = 0;
                    self.publisher.on_connected();
                    self.report(StationReport::Online);
                }
                while connection.has_room()
                    && let Some(message) = self.publisher.next(Instant::now(), wall())
                {
                    connection.publish(message).await?;
                }
            }
            let due = match naming {
                Naming::Asked { until, .. } | Naming::Waiting(until) => Some(until),
                Naming::Ours if connection.has_room() => self.publisher.due(Instant::now()),
                Naming::Ours => None,
            };
            tokio::select! {
                incoming = connection.next() => self.on_incoming(incoming?, &mut naming)?,
                fact = self.facts.recv() => {
                    let Some(fact) = fact else {
                        if is_online {
                            let goodbye =
                                self.publisher.state(Status::Gone, Some("stopped"), wall());
                            connection.publish(goodbye).await?;
                        }
                        return Ok(Stopped);
                    };
                    take(&mut self.publisher, fact);
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => match naming {
                    Naming::Asked { .. } => return Err(deaf(&self.name).into()),
                    Naming::Waiting(_) => naming = Naming::Ours,
                    Naming::Ours => {}
                }
            }
        }
    }

    fn on_incoming(&mut self, incoming: Incoming, naming: &mut Naming) -> Result<(), Ended> {
        let (topic, payload, retained) = match incoming {
            Incoming::Message { topic, payload, retained } => (topic, payload, retained),
            Incoming::StationMessage(Ok(())) => return Ok(()),
            Incoming::StationMessage(Err((topic, error))) => {
                let topic = Topic::parse(&topic);
                // Without its state, the station would not be visible at all.
                if matches!(topic, Some(Topic::State(_))) {
                    return Err(error.into());
                }
                self.report(StationReport::Refused(error));
                return Ok(());
            }
        };
        match str::from_utf8(&topic).ok().and_then(Topic::parse) {
            Some(Topic::Marker) if !retained => {
                match payload::read::<LabMarker>(&payload) {
                    Ok(StationMessage { instance, body: command, .. }) => {
                        let received = Timestamp::now();
                        self.report(StationReport::Marker { instance, command, received });
                    }
                    Err(error) => {
                        self.malformed += 1;
                        // Whoever may publish markers must not flood the log.
                        if self.malformed.is_power_of_two() {
                            let count = self.malformed;
                            tracing::warn!(
                                "malformed markers of a lab: {count}, the last: {error}"
                            );
                        }
                    }
                }
                Ok(())
            }
            Some(topic @ Topic::Headset(..)) => {
                if retained && !payload.is_empty() {
                    self.publisher.found_headset(topic);
                }
                Ok(())
            }
            Some(Topic::State(_)) => {
                if let Ok(state) = payload::read::<StationState>(&payload) {
                    return self.on_state(&state, retained, naming);
                }
                // Somebody with the right to do so has overwritten our state.
                self.publisher.repeat();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Handles a state published under our name, by ourselves or by another station.
    fn on_state(
        &mut self,
        state: &StationMessage<StationState>,
        retained: bool,
        naming: &mut Naming,
    ) -> Result<(), Ended> {
        let status = state.body.status;
        if state.instance == self.instance {
            match (&*naming, status) {
                // Everything retained has come before our own question.
                (Naming::Asked { other: false, .. }, Status::Joining) => *naming = Naming::Ours,
                (Naming::Asked { other: true, .. }, Status::Joining) => {
                    *naming = Naming::Waiting(Instant::now() + ANSWER);
                }
                // The last will of an earlier connection, which we gave up before the broker did.
                (Naming::Ours, Status::Gone) => self.publisher.repeat(),
                _ => {}
            }
            return Ok(());
        }
        if retained {
            if let Naming::Asked { other, .. } = naming {
                *other |= status == Status::Online;
            }
            return Ok(());
        }
        let is_ours = matches!(naming, Naming::Ours);
        let is_taken = match status {
            Status::Gone => false,
            // If two ask at the same time, or both are online because they were cut off from each
            // other, one of them must go: the one with the greater `instance`.
            Status::Joining => !is_ours && state.instance < self.instance,
            Status::Online => !is_ours || state.instance < self.instance,
        };
        if is_taken {
            return Err(Ended::NameTaken(taken(&self.name, &state.body)));
        }
        if is_ours {
            if status == Status::Joining {
                self.on_other_joining(&state.body.host);
            }
            self.publisher.repeat();
        }
        Ok(())
    }

    /// Reports that another station asks for the name. The state that follows shows it that the name is
    /// taken.
    fn on_other_joining(&mut self, host: &Text) {
        self.report(StationReport::NameKept { host: host.clone() });
        let text =
            format!("another station asked for the name {} and was refused: {host}", self.name);
        let (at, text) = (wall(), Text::new(&text));
        let event = StationEvent { at, kind: "name".into(), headset: None, text };
        self.publisher.push_event(event, at);
    }
}

fn take(publisher: &mut Publisher, fact: StationFact) {
    match fact {
        StationFact::Cortex { words, down_since } => publisher.set_station(|own| {
            own.cortex = Text::new(&words);
            own.cortex_down_since = down_since;
        }),
        StationFact::Headsets(states) => publisher.set_headsets(states),
        StationFact::Event(event) => publisher.push_event(event, wall()),
        StationFact::Acknowledged(done) => publisher.push_acknowledgement(done, wall()),
    }
}

/// The error for a name that belongs to another station.
fn taken(name: &StationName, other: &StationState) -> Error {
    Error::new(
        ErrorKind::User,
        format!("a station called {name} runs already, on {}", other.host),
        "stop it, or choose another name with --name",
    )
}

/// The error for messages that do not come back although the broker accepts them.
fn deaf(name: &StationName) -> Error {
    Error::new(
        ErrorKind::WrongCredentials,
        format!("the broker does not let this user read {}", Topic::State(name.clone())),
        NOT_ALLOWED,
    )
}

/// Seconds since 1970.
fn wall() -> f64 {
    Timestamp::now().as_duration().as_secs_f64()
}

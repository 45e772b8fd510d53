//! Markers of other programs for the commands without a screen: each goes into the record of each
//! session if one runs, else among its samples only.

use std::collections::BTreeMap;

use tokio::sync::mpsc;

use crate::{
    console::print_error,
    exchange::{MarkerLoss, MarkerReceiver, OutsideMarker},
};
use cortop_client::{
    ClockOffset, Command, Event, Feed, HeadsetCommand, HeadsetId, MarkerCommand, RecordEvent,
    SessionId, SessionMarker,
};

/// What comes, and what is known of where it goes.
#[derive(Debug)]
pub(super) struct OutsideMarkers {
    /// `None` where nothing can come.
    receiver: Option<MarkerReceiver>,
    /// The losses that were said.
    said: Vec<MarkerLoss>,
    /// Our sessions: whose, and whether a record runs.
    sessions: BTreeMap<SessionId, (HeadsetId, bool)>,
    /// By how much the headsets' clocks are off ours.
    clocks: BTreeMap<HeadsetId, ClockOffset>,
}

impl OutsideMarkers {
    pub(super) fn new(receiver: Option<MarkerReceiver>) -> Self {
        Self { receiver, said: Vec::new(), sessions: BTreeMap::new(), clocks: BTreeMap::new() }
    }

    /// Takes note of an event of the client.
    pub(super) fn on_event(&mut self, event: &Event, commands: &mpsc::Sender<Command>) {
        match event {
            Event::Clock { headset, clock } => {
                self.clocks.insert(headset.clone(), *clock);
            }
            Event::Session(session) => {
                let recorded = session.recording == Some(true);
                let id = session.headset.id.clone();
                if self.sessions.insert(session.id.clone(), (id.clone(), recorded)).is_none() {
                    // A marker or a sample by an old measurement would stand elsewhere.
                    let command = HeadsetCommand::MeasureClock(id, true);
                    let _ = commands.try_send(Command::Headset(command));
                }
            }
            Event::Closed { session, .. } | Event::Released { session, .. } => {
                self.sessions.remove(session);
            }
            Event::Record(RecordEvent::Started { session, .. }) => self.record(session, true),
            Event::Record(
                RecordEvent::Ended { session, .. } | RecordEvent::OutOfSight { session, .. },
            ) => self.record(session, false),
            _ => {}
        }
    }

    /// Says what of them was not taken, each cause when it first happens.
    pub(super) fn report_losses(&mut self) {
        let Some(receiver) = &self.receiver else { return };
        for loss in MarkerLoss::ALL {
            if receiver.losses.of(loss) > 0 && !self.said.contains(&loss) {
                self.said.push(loss);
                print_error(&loss.sentence());
            }
        }
    }

    /// Says at the end how much of them was not taken.
    pub(super) fn report_total(&mut self) {
        self.report_losses();
        if let Some(total) = self.receiver.as_ref().and_then(|own| own.losses.total()) {
            print_error(&total);
        }
    }

    /// Waits for the next marker and places it; ends never where nothing can come. Called off at any
    /// time.
    pub(super) async fn next(&mut self, commands: &mpsc::Sender<Command>) -> Vec<Feed> {
        let Some(receiver) = &mut self.receiver else { return std::future::pending().await };
        // It ends with this program.
        let Some(marker) = receiver.recv().await else { return std::future::pending().await };
        self.place(&marker, commands)
    }

    fn record(&mut self, session: &SessionId, runs: bool) {
        if let Some((_, recorded)) = self.sessions.get_mut(session) {
            *recorded = runs;
        }
    }

    /// Sets a marker in the records that run; what is to be fed to the other sessions.
    pub(super) fn place(
        &self,
        marker: &OutsideMarker,
        commands: &mpsc::Sender<Command>,
    ) -> Vec<Feed> {
        let mut own = Vec::new();
        for (session, (headset, recorded)) in &self.sessions {
            if *recorded {
                let OutsideMarker { label, value, at } = marker.clone();
                let session = session.clone();
                let command = MarkerCommand::Mark { session, label, value, at };
                if commands.try_send(Command::Marker(command)).is_err() {
                    self.receiver.iter().for_each(|own| own.losses.count(MarkerLoss::Busy));
                }
                continue;
            }
            let offset = self.clocks.get(headset).map_or(0.0, |clock| clock.offset);
            own.push(Feed::Marker(SessionMarker {
                session: session.clone(),
                id: None,
                time: marker.at.wall.as_duration().as_secs_f64() + offset,
                end: None,
                text: marker.text(),
            }));
        }
        own
    }
}

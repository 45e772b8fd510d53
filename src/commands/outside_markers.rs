//! Markers from other programs for commands without a screen: each goes into the record of every session, or
//! only among its samples if no record is running.

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

/// The source of markers, and where they go.
#[derive(Debug)]
pub(super) struct OutsideMarkers {
    /// `None` without any source.
    receiver: Option<MarkerReceiver>,
    /// The losses already reported.
    reported: Vec<MarkerLoss>,
    /// Our sessions: the headset of each, and whether a record is running.
    sessions: BTreeMap<SessionId, (HeadsetId, bool)>,
    /// The offsets of the headsets' clocks from ours.
    clocks: BTreeMap<HeadsetId, ClockOffset>,
}

impl OutsideMarkers {
    pub(super) fn new(receiver: Option<MarkerReceiver>) -> Self {
        Self { receiver, reported: Vec::new(), sessions: BTreeMap::new(), clocks: BTreeMap::new() }
    }

    /// Handles an event of the client.
    pub(super) fn on_event(&mut self, event: &Event, commands: &mpsc::Sender<Command>) {
        match event {
            Event::Clock { headset, clock } => {
                self.clocks.insert(headset.clone(), *clock);
            }
            Event::Session(session) => {
                let recorded = session.recording == Some(true);
                let id = session.headset.id.clone();
                if self.sessions.insert(session.id.clone(), (id.clone(), recorded)).is_none() {
                    // With an old measurement, markers and samples would be misplaced.
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

    /// Reports what was not taken, each cause when it first occurs.
    pub(super) fn report_losses(&mut self) {
        let Some(receiver) = &self.receiver else { return };
        for loss in MarkerLoss::ALL {
            if receiver.losses.of(loss) > 0 && !self.reported.contains(&loss) {
                self.reported.push(loss);
                print_error(&loss.sentence());
            }
        }
    }

    /// Reports at the end how much was not taken.
    pub(super) fn report_total(&mut self) {
        self.report_losses();
        if let Some(total) = self.receiver.as_ref().and_then(|own| own.losses.total()) {
            print_error(&total);
        }
    }

    /// Waits for the next marker and places it; pending forever without a source. Cancel safe.
    pub(super) async fn next(&mut self, commands: &mpsc::Sender<Command>) -> Vec<Feed> {
        let Some(receiver) = &mut self.receiver else { return std::future::pending().await };
        // The source ends with this program.
        let Some(marker) = receiver.recv().await else { return std::future::pending().await };
        self.place(&marker, commands)
    }

    fn record(&mut self, session: &SessionId, runs: bool) {
        if let Some((_, recorded)) = self.sessions.get_mut(session) {
            *recorded = runs;
        }
    }

    /// Sets a marker in the running records; returns what has to be fed to the other sessions.
    pub(super) fn place(
        &self,
        marker: &OutsideMarker,
        commands: &mpsc::Sender<Command>,
    ) -> Vec<Feed> {
        if self.sessions.is_empty() {
            self.receiver.iter().for_each(|own| own.losses.count(MarkerLoss::NoSession));
        }
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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::exchange::MarkerSources;
    use cortop_client::Moment;

    #[tokio::test]
    async fn a_marker_without_a_session_is_counted_as_lost() {
        let udp = Some((Ipv4Addr::LOCALHOST, 0).into());
        let sources = MarkerSources { lsl: None, interface: Ipv4Addr::LOCALHOST, udp, tcp: None };
        let receiver = sources.listen().await.expect("a free port");
        let losses = receiver.losses.clone();
        let markers = OutsideMarkers::new(Some(receiver));
        let (commands, _received) = mpsc::channel(1);
        let marker = OutsideMarker::new("go", "1", Moment::now()).expect("a label");
        assert_eq!(markers.place(&marker, &commands).len(), 0);
        assert_eq!(losses.of(MarkerLoss::NoSession), 1);
    }
}

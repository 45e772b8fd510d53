//! `cortop lsl`: a headset's streams as Lab Streaming Layer outlets, and markers from other
//! programs, without a screen.

use std::{collections::BTreeMap, sync::Arc};

use color_eyre::eyre::{Result, WrapErr as _};
use serde_json::json;
use tokio::sync::mpsc;

use super::{
    json, markers_from_outside,
    watch::{Companion, follow},
};
use crate::{
    cli,
    console::print,
    exchange::{LslSink, LslStreams, OutsideMarker},
};
use cortop_client::{
    ClientConfig, ClockOffset, Command, Event, Feed, HeadsetCommand, HeadsetId, MarkerCommand,
    RecordEvent, SessionId,
};
use cortop_lsl::{Network, Server, StreamInfo};

/// Serves until told to end; gives the exit status.
pub(super) async fn lsl(config: ClientConfig, args: &cli::LslArgs) -> Result<u8> {
    let interface = args.exchange.lsl_interface;
    let server = Server::start(Network::on(interface))
        .wrap_err_with(|| format!("LSL cannot be spoken at {interface}: choose another address"))?;
    let markers = markers_from_outside(&args.exchange).await?;
    let (sink, streams) = LslSink::new(server, None);
    let mut serving = LslCompanion {
        streams: Arc::clone(&streams),
        markers,
        json: args.json,
        told: Vec::new(),
        receivers: 0,
        sessions: BTreeMap::new(),
        clocks: BTreeMap::new(),
    };
    follow(config, sink, args.duration, &mut serving).await
}

struct LslCompanion {
    streams: Arc<LslStreams>,
    markers: Option<mpsc::Receiver<OutsideMarker>>,
    json: bool,
    /// The streams that were told of.
    told: Vec<StreamInfo>,
    receivers: usize,
    /// Our sessions: whose, and whether a record runs.
    sessions: BTreeMap<SessionId, (HeadsetId, bool)>,
    /// By how much the headsets' clocks are off ours.
    clocks: BTreeMap<HeadsetId, ClockOffset>,
}

impl Companion for LslCompanion {
    fn on_event(&mut self, event: &Event, commands: &mpsc::Sender<Command>) {
        match event {
            Event::Clock { headset, clock } => {
                self.clocks.insert(headset.clone(), *clock);
                self.streams.set_clock(headset, *clock);
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

    fn on_tick(&mut self) -> Result<String> {
        for info in self.streams.infos() {
            if !self.told.contains(&info) {
                self.tell(&info)?;
                self.told.push(info);
            }
        }
        let receivers = self.streams.receivers();
        if receivers != self.receivers && self.json {
            print_line(&json!({"event": "receivers", "receivers": receivers}))?;
        }
        self.receivers = receivers;
        let dropped = match self.streams.dropped() {
            0 => String::new(),
            dropped => format!(" · {dropped} missed by slow ones"),
        };
        let word = if receivers == 1 { "receiver" } else { "receivers" };
        Ok(format!(" · {receivers} {word}{dropped}"))
    }

    async fn outside(&mut self, commands: &mpsc::Sender<Command>) -> Vec<Feed> {
        let Some(markers) = &mut self.markers else { return std::future::pending().await };
        let Some(marker) = markers.recv().await else {
            self.markers = None;
            return Vec::new();
        };
        self.place(&marker, commands)
    }
}

impl LslCompanion {
    fn record(&mut self, session: &SessionId, runs: bool) {
        if let Some((_, recorded)) = self.sessions.get_mut(session) {
            *recorded = runs;
        }
    }

    /// Says that a stream is served.
    fn tell(&self, info: &StreamInfo) -> Result<()> {
        let StreamInfo { name, content, channels, nominal_rate, format, source_id, .. } = info;
        if self.json {
            return print_line(&json!({
                "event": "stream",
                "name": name,
                "type": content,
                "channels": channels,
                "rate": nominal_rate,
                "format": format.name(),
                "source_id": source_id,
            }));
        }
        let plural = if *channels == 1 { "" } else { "s" };
        let rate =
            if *nominal_rate > 0.0 { format!("{nominal_rate} Hz") } else { "irregular".to_owned() };
        print(&format!("{name}: {channels} channel{plural}, {rate}\n"))
    }

    /// Sets a marker from outside in every session: in its record if one runs, else among its
    /// samples only.
    fn place(&self, marker: &OutsideMarker, commands: &mpsc::Sender<Command>) -> Vec<Feed> {
        let mut own = Vec::new();
        for (session, (headset, recorded)) in &self.sessions {
            if *recorded {
                let OutsideMarker { label, value, at } = marker.clone();
                let session = session.clone();
                let command = MarkerCommand::Mark { session, label, value, at };
                if commands.try_send(Command::Marker(command)).is_err() {
                    tracing::warn!("the client is busy: a marker from outside is lost");
                }
                continue;
            }
            let offset = self.clocks.get(headset).map_or(0.0, |clock| clock.offset);
            own.push(Feed::Marker {
                session: session.clone(),
                time: marker.at.wall.as_duration().as_secs_f64() + offset,
                text: marker.text(),
                in_record: false,
            });
        }
        own
    }
}

fn print_line(value: &serde_json::Value) -> Result<()> {
    print(&format!("{}\n", json::line(&value.to_string())))
}

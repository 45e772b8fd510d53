//! `cortop lsl`: serves a headset's streams as Lab Streaming Layer outlets, and takes markers from other
//! programs, without a screen.

use std::sync::Arc;

use color_eyre::eyre::{Result, WrapErr as _};
use serde_json::json;
use tokio::sync::mpsc;

use super::{
    markers_from_outside,
    outside_markers::OutsideMarkers,
    watch::{Companion, follow},
};
use crate::{
    cli,
    console::print,
    exchange::{LslSink, LslStreams},
};
use cortop_client::{ClientConfig, Command, Event, Feed, sanitize::json_line};
use cortop_lsl::{Network, Server, StreamInfo};

/// Serves until a signal ends it; returns the exit status.
pub(super) async fn lsl(config: ClientConfig, args: &cli::LslArgs) -> Result<u8> {
    let interface = args.exchange.lsl_interface;
    let server = Server::start(Network::on(interface))
        .wrap_err_with(|| format!("LSL cannot be served on {interface}: choose another address"))?;
    let markers = OutsideMarkers::new(markers_from_outside(&args.exchange).await?);
    let (sink, streams) = LslSink::new(server, None);
    let mut serving = LslCompanion {
        streams: Arc::clone(&streams),
        markers,
        json: args.json,
        reported: Vec::new(),
        receivers: 0,
    };
    let code = follow(config, sink, args.duration, &mut serving).await?;
    serving.markers.report_total();
    Ok(code)
}

struct LslCompanion {
    streams: Arc<LslStreams>,
    markers: OutsideMarkers,
    json: bool,
    /// The streams already reported.
    reported: Vec<StreamInfo>,
    receivers: usize,
}

impl Companion for LslCompanion {
    fn on_event(&mut self, event: &Event, commands: &mpsc::Sender<Command>) {
        if let Event::Clock { headset, clock } = event {
            self.streams.set_clock(headset, *clock);
        }
        self.markers.on_event(event, commands);
    }

    fn on_tick(&mut self) -> Result<String> {
        for info in self.streams.infos() {
            if !self.reported.contains(&info) {
                self.report(&info)?;
                self.reported.push(info);
            }
        }
        self.markers.report_losses();
        let receivers = self.streams.receivers();
        if receivers != self.receivers && self.json {
            print_line(&json!({"event": "receivers", "receivers": receivers}))?;
        }
        self.receivers = receivers;
        let dropped = match self.streams.dropped() {
            0 => String::new(),
            dropped => format!(" · {dropped} missed by slow receivers"),
        };
        let word = if receivers == 1 { "receiver" } else { "receivers" };
        Ok(format!(" · {receivers} {word}{dropped}"))
    }

    async fn outside(&mut self, commands: &mpsc::Sender<Command>) -> Vec<Feed> {
        self.markers.next(commands).await
    }
}

impl LslCompanion {
    /// Reports that a stream is served.
    fn report(&self, info: &StreamInfo) -> Result<()> {
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
}

fn print_line(value: &serde_json::Value) -> Result<()> {
    print(&format!("{}\n", json_line(&value.to_string())))
}

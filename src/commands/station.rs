//! `cortop station`: publishes the state of this computer's headsets to a broker, without a screen.

use std::{pin::pin, time::Duration};

use color_eyre::eyre::{Result, eyre};
use tokio::time::Instant;

use super::{
    after,
    client_state::ClientState,
    outside_markers::OutsideMarkers,
    problem_reporter::{ProblemReporter, SERVICE_OVER},
};
use crate::{
    cli,
    config::{Config, MqttSettings},
    console::{print, print_error, shutdown_signal},
    monitor::Monitor,
    station::{StationNotice, StationOptions, StationService},
};
use cortop_client::ClientConfig;
use cortop_mqtt::{Broker, StationName, StationReport, StationSettings};
use cortop_signal::decoder;

/// Time between two snapshots of the streams.
const FRAME: Duration = Duration::from_millis(250);

/// Bytes of history. Nobody scrolls back here, and the data for the streams' health is kept separately.
const HISTORY: usize = 1 << 20;

/// The exit status if it could not start as asked.
const REFUSED: u8 = 2;

/// If two stations of one name start together, both are online for a moment: one that loses the name within
/// this time never owned it.
const ESTABLISHED: Duration = Duration::from_secs(10);

/// Publishes until a signal ends it; returns the exit status. Problems are reported once and waited out.
pub(super) async fn publish(
    config: ClientConfig,
    options: StationOptions,
    duration: Option<Duration>,
) -> Result<u8> {
    let mut shutdown = pin!(shutdown_signal()?);
    let ready = format!("READY {} {}\n", options.broker.address(), options.settings.name);
    let publishes = format!("publishes as {} now", options.settings.name);
    let mut markers = OutsideMarkers::new(None);
    let limits = decoder::Limits { frame: FRAME, history: HISTORY };
    let mut monitor = Monitor::start(config, limits);
    let mut station = StationService::spawn(options, monitor.channels.snapshots.clone());
    let mut state = ClientState::default();
    let (mut service, mut link) = (ProblemReporter::default(), ProblemReporter::default());
    let mut online_since = None;
    let mut problem = None;
    let mut over = pin!(after(duration));
    let code = loop {
        tokio::select! {
            () = &mut shutdown => break 0,
            () = &mut over => {
                if online_since.is_some() {
                    break 0;
                }
                let why = problem.as_deref().unwrap_or("the broker has not answered yet");
                print_error(&format!("nothing was published: {why}"));
                break REFUSED;
            }
            event = monitor.channels.events.recv() => {
                let Some(event) = event else {
                    print_error("the client has ended: look into the log (--log-file FILE)");
                    break 1;
                };
                station.on_event(&event);
                markers.on_event(&event, &monitor.channels.commands);
                state.on_event(event);
                let problem = state.needs_user().map(|failure| failure.to_string());
                service.report(problem, SERVICE_OVER);
            }
            Some(notice) = station.next() => match notice {
                StationNotice::Marker(marker) => {
                    for feed in markers.place(&marker, &monitor.channels.commands) {
                        monitor.channels.feed.change(feed).await;
                    }
                }
                StationNotice::Report(StationReport::Online) => {
                    link.report(None, &publishes);
                    if online_since.is_none() {
                        online_since = Some(Instant::now());
                        print(&ready)?;
                    }
                }
                StationNotice::Report(StationReport::NameTaken(error))
                    if online_since.is_none_or(|since: Instant| since.elapsed() < ESTABLISHED) =>
                {
                    print_error(&error.to_string());
                    break REFUSED;
                }
                StationNotice::Report(
                    StationReport::Offline(error)
                    | StationReport::NameTaken(error)
                    | StationReport::Refused(error),
                ) => {
                    problem = Some(error.to_string());
                    link.report(problem.clone(), &publishes);
                }
                StationNotice::Report(StationReport::NameKept { host }) => print_error(&format!(
                    "another station asked for this one's name and was refused: {host}"
                )),
                // It also arrives as a notice of its own.
                StationNotice::Report(StationReport::Marker { .. }) => {}
            }
        }
    };
    station.stop().await;
    monitor.stop().await;
    Ok(code)
}

/// The station's options from the settings and the command line.
///
/// # Errors
/// The broker cannot be used, or the name is invalid; the text says what to do.
pub(crate) fn options(config: &Config, args: &cli::StationArgs) -> Result<StationOptions> {
    let MqttSettings { broker, account, name, accept_markers, .. } = &config.mqtt;
    let broker = broker_of(args.broker.as_ref().or(broker.as_ref()), account)?;
    let name = args.name.as_ref().or(name.as_ref());
    let host = host();
    let name = match name {
        Some(name) => name.parse::<StationName>()?,
        None => StationName::from_host(&host),
    };
    let settings = StationSettings {
        name,
        host,
        program: format!("cortop {}", env!("CARGO_PKG_VERSION")),
        accepts_markers: *accept_markers || args.accept_markers,
    };
    Ok(StationOptions { broker, settings, alerts: config.alerts.clone() })
}

/// The broker of an address.
///
/// # Errors
/// There is no address, or it cannot be used.
pub(super) fn broker_of(
    url: Option<&String>,
    account: &cortop_mqtt::BrokerAccount,
) -> Result<Broker> {
    let url = url.ok_or_else(|| {
        eyre!("no broker is named: give --broker mqtts://HOST, or set broker in [mqtt] of the config file")
    })?;
    Ok(Broker::new(url, account)?)
}

/// The name of this computer.
#[cfg(unix)]
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The name of this computer.
#[cfg(not(unix))]
fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

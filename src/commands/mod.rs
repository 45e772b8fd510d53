//! The commands without a screen: lists, samples on standard output, the doctor, and the simulator for other
//! clients. All but the last run the monitor's client and interpret its events; nothing here talks to the
//! service directly.
//!
//! `client_state` tracks how far the client has come, `probe_session` runs one until it is far enough.
//! `list`, `watch`, `lsl`, `record`, `capture`, `report`, `metrics`, `station`, `lab`, `doctor`, `sim` and
//! `proxy` are the commands; `table`, `json` and `writers` format their output, `outside_markers` takes
//! markers of other programs. `print` and `completion` generate what shells and man pages need. `exec` runs a
//! program beside the simulator, `follower` reads its journal, and `traffic` shows it on a screen.

mod capture;
mod client_state;
pub mod completion;
mod demo_lab;
pub mod doctor;
mod exec;
mod follower;
mod json;
mod lab;
mod list;
pub mod login;
mod lsl;
pub(crate) mod metrics;
mod outside_markers;
pub mod print;
mod probe_session;
mod problem_reporter;
mod progress;
pub mod proxy;
mod record;
pub mod report;
pub mod sim;
pub(crate) mod station;
mod table;
mod traffic;
pub mod trust;

mod watch;
mod writers;

use std::path::Path;

use color_eyre::eyre::Result;
use jiff::tz::TimeZone;

pub use self::list::Listing;
pub(crate) use self::{
    client_state::{ClientState, Opened},
    json::pretty,
    probe_session::ProbeSession,
};
use crate::{
    cli,
    config::{self, Config, Credentials, Keyring},
    console::{block_on, print, print_error, report_panics},
    exchange::{MarkerReceiver, MarkerSources},
    logging,
    terminal::Exit,
};

/// Prints a list and exits.
///
/// # Errors
/// It cannot start as asked; the text says what to do.
pub fn list(subject: Listing, args: &cli::ListArgs, display: &cli::DisplayArgs) -> Result<u8> {
    let only = cli::ServiceArgs::from(&args.connection);
    // Whatever the file says, a list never debits the licence.
    let config = Config { debit: None, ..settings(&only, display)? };
    let service = config.client()?;
    block_on(async {
        Ok(match list::fetch(subject, service).await {
            Ok(found) => {
                let text = if args.json { found.json()? } else { found.table(&TimeZone::system()) };
                print(&text)?;
                0
            }
            Err(failure) => {
                print_error(&failure.to_string());
                failure.stage.exit_code()
            }
        })
    })
}

/// Prints samples until a signal ends it.
///
/// # Errors
/// It cannot start as asked; the text says what to do.
pub fn watch(args: &cli::WatchArgs, display: &cli::DisplayArgs) -> Result<u8> {
    let config = settings(&args.service, display)?;
    watch::check(args.format, &config.streams)?;
    let service = config.client()?;
    block_on(watch::watch(service, args.format, args.duration))
}

/// Serves a headset's streams over Lab Streaming Layer until a signal ends it.
///
/// # Errors
/// It cannot start as asked; the text says what to do.
pub fn lsl(args: &cli::LslArgs, display: &cli::DisplayArgs) -> Result<u8> {
    let config = settings(&args.service, display)?;
    let service = config.client()?;
    block_on(lsl::lsl(service, args))
}

/// Captures what crosses the socket to a file until a signal ends it.
///
/// # Errors
/// It cannot start as asked; the text says what to do.
pub fn capture(args: &cli::CaptureArgs, display: &cli::DisplayArgs) -> Result<u8> {
    let config = settings(&args.service, display)?;
    let service = config.client()?;
    block_on(capture::capture(service, args))
}

/// Exports the state of headsets and streams for Prometheus until a signal ends it.
///
/// # Errors
/// It cannot start as asked; the text says what to do.
pub fn metrics(args: &cli::MetricsArgs, display: &cli::DisplayArgs) -> Result<u8> {
    let config = settings(&args.service, display)?;
    let service = config.client()?;
    block_on(metrics::serve(service, args))
}

/// Publishes the state of this computer's headsets over MQTT until a signal ends it.
///
/// # Errors
/// It cannot start as asked; the text says what to do.
pub fn station(args: &cli::StationArgs, display: &cli::DisplayArgs) -> Result<u8> {
    let config = settings(&args.service, display)?;
    let service = config.client()?;
    let options = station::options(&config, args)?;
    block_on(station::publish(service, options, args.duration))
}

/// Shows all stations of a broker until the user quits.
///
/// # Errors
/// It cannot start as asked; the text says what to do.
pub fn lab(args: &cli::LabArgs, display: &cli::DisplayArgs) -> Result<Exit> {
    let config = load(&cli::ServiceArgs::default(), display, || None)?;
    block_on(lab::watch(args, &config))
}

/// Shows a simulated lab on this machine with a number of stations.
///
/// # Errors
/// It cannot start as asked; the text says what to do.
pub(crate) fn demo_lab(
    stations: u8,
    demo: &cli::DemoArgs,
    display: &cli::DisplayArgs,
) -> Result<Exit> {
    let config = load(&cli::ServiceArgs::default(), display, || None)?;
    block_on(demo_lab::show(stations, demo, config))
}

/// Records a headset's samples to files until a signal ends it.
///
/// # Errors
/// It cannot start as asked; the text says what to do.
pub fn record(args: &cli::RecordArgs, display: &cli::DisplayArgs) -> Result<u8> {
    let config = settings(&args.service, display)?;
    let service = config.client()?;
    block_on(record::record(service, args))
}

/// Waits for a duration; for ever if it is `None`.
async fn after(duration: Option<std::time::Duration>) {
    match duration {
        Some(duration) => tokio::time::sleep(duration).await,
        None => std::future::pending().await,
    }
}

/// Opens the marker sources given by the arguments, if any.
///
/// # Errors
/// A port is not available; the text says what to do.
pub(crate) async fn markers_from_outside(
    args: &cli::ExchangeArgs,
) -> Result<Option<MarkerReceiver>> {
    let sources = MarkerSources {
        lsl: args.markers_lsl.clone(),
        interface: args.lsl_interface,
        udp: args.markers_udp,
        tcp: args.markers_tcp,
    };
    Ok(if sources.is_empty() { None } else { Some(sources.listen().await?) })
}

/// The settings in force; starts the log and reports warnings.
fn settings(service: &cli::ServiceArgs, display: &cli::DisplayArgs) -> Result<Config> {
    load(service, display, Keyring::read).inspect(report_warnings)
}

/// Reports which settings could not be used.
fn report_warnings(config: &Config) {
    for warning in &config.warnings {
        print_error(&warning.to_string());
        tracing::warn!("{warning}");
    }
}

/// The settings in force; starts the log. `keyring` gives credentials if nothing else does.
fn load(
    service: &cli::ServiceArgs,
    display: &cli::DisplayArgs,
    keyring: fn() -> Option<Credentials>,
) -> Result<Config> {
    report_panics()?;
    let config = config::read(service, display, keyring)?;
    start_log(display, config.log_file.as_deref())?;
    Ok(config)
}

/// Starts the log.
pub(crate) fn start_log(display: &cli::DisplayArgs, file: Option<&Path>) -> Result<()> {
    logging::init(display.common.verbose, file).map(drop)
}

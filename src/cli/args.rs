//! The arguments of each command, and those shared by several.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use clap::{Args, ValueEnum, builder::ArgPredicate};

use super::{
    help::{
        CAPTURE_HELP, DEMO_HELP, DOCTOR_HELP, LAB_HELP, LOGIN_HELP, LSL_HELP, MARKERS_UDP_HELP,
        METRICS_HELP, OPEN_HELP, PROXY_HELP, RECORD_HELP, REPORT_HELP, SIM_HELP, SPEC_HELP,
        STATION_HELP, TRUST_HELP, WATCH_HELP,
    },
    values::{
        METRICS, Scopes, duration, listening, mains, max_rate, metrics_address, model_parser,
        scopes, session_parser, speed,
    },
};
use crate::stage;
use cortop_client::{HeadsetId, SessionPolicy, Stream, model::Model};
use cortop_files::recorder::RecordingFormat;
use cortop_sim::headset_config::HeadsetConfig;

/// The service.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionArgs {
    /// Address of the Cortex service, ws:// or wss:// [env: EMOTIV_CORTEX_URL] [default:
    /// wss://localhost:6868]
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Root certificate to trust in addition to the system's [env: CORTOP_CA_FILE]
    #[arg(long, value_name = "PEM")]
    pub ca_file: Option<PathBuf>,
    /// Skip certificate checks; only for a service on this machine
    #[arg(long)]
    pub insecure: bool,
}

/// The service, and how to use it.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceArgs {
    /// The service.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// Headset to take without asking, such as EPOCX-1A2B3C4D
    #[arg(long, value_name = "ID")]
    pub headset: Option<HeadsetId>,
    /// Session to open: active debits the licence, open does not and carries no EEG
    #[arg(long, value_name = "MODE", value_parser = session_parser())]
    pub session: Option<SessionPolicy>,
    /// Sessions to move from the licence to this computer
    #[arg(long, value_name = "N")]
    pub debit: Option<u32>,
    /// Streams to subscribe to, of eeg,mot,dev,eq,pow,met,com,fac,sys [default: all]
    #[arg(long, value_name = "STREAM,…", value_delimiter = ',')]
    pub streams: Option<Vec<Stream>>,
}

/// Where credentials are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SecretStore {
    /// The system's own: Secret Service, Keychain, Credential Manager.
    Keyring,
    /// The config file, readable for its owner only.
    File,
}

/// The service to log in to, and where to store the credentials.
#[derive(Args, Clone, Debug)]
#[command(after_help = LOGIN_HELP)]
pub struct LoginArgs {
    /// The service.
    #[command(flatten, next_help_heading = "Cortex service")]
    pub connection: ConnectionArgs,
    /// Where to store them [default: the keyring if the system has one, else the config file]
    #[arg(long, value_name = "WHERE", help_heading = None)]
    pub store: Option<SecretStore>,
    /// Remove them from keyring and config file
    #[arg(long, conflicts_with = "store", help_heading = None)]
    pub forget: bool,
    /// Configuration and log.
    #[command(flatten, next_help_heading = "Configuration and log")]
    pub common: CommonArgs,
}

/// The service to trust.
#[derive(Args, Clone, Debug)]
#[command(after_help = TRUST_HELP)]
pub struct TrustArgs {
    /// The service.
    #[command(flatten, next_help_heading = "Cortex service")]
    pub connection: ConnectionArgs,
    /// Stop trusting it
    #[arg(long, help_heading = None)]
    pub forget: bool,
    /// Configuration and log.
    #[command(flatten, next_help_heading = "Configuration and log")]
    pub common: CommonArgs,
}

/// The checks of the doctor.
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{DOCTOR_HELP}\n\n{}", stage::LEGEND))]
pub struct DoctorArgs {
    /// The service.
    #[command(flatten, next_help_heading = "Cortex service")]
    pub connection: ConnectionArgs,
    /// Headset to check, such as EPOCX-1A2B3C4D [default: the one that is connected, or the only one]
    #[arg(long, value_name = "ID", help_heading = None)]
    pub headset: Option<HeadsetId>,
    /// Print JSON
    #[arg(long, help_heading = None)]
    pub json: bool,
    /// Configuration and log.
    #[command(flatten, next_help_heading = "Configuration and log")]
    pub common: CommonArgs,
}

/// The samples to print.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = WATCH_HELP)]
pub struct WatchArgs {
    /// The service, and how to use it.
    #[command(flatten, next_help_heading = "Cortex service")]
    pub service: ServiceArgs,
    /// One JSON object per sample, or one line of values per sample of a single stream
    #[arg(long, value_enum, default_value_t, hide_possible_values = false, help_heading = None)]
    pub format: OutputFormat,
    /// How long to run, such as 10s, 2m, 500ms or 10 (seconds) [default: until Ctrl-C]
    #[arg(long, value_name = "TIME", value_parser = duration, allow_hyphen_values = true, help_heading = None)]
    pub duration: Option<Duration>,
    /// Configuration and log.
    #[command(flatten, next_help_heading = "Configuration and log")]
    pub common: CommonArgs,
}

/// LSL and markers of other programs.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct ExchangeArgs {
    /// Address of this machine on which to use LSL, 0.0.0.0 for all; on any but the default, other
    /// machines can read
    #[arg(long, value_name = "ADDR", default_value_t = Ipv4Addr::LOCALHOST)]
    pub lsl_interface: Ipv4Addr,
    /// Take markers from the LSL stream of this name or type
    #[arg(long, value_name = "NAME")]
    pub markers_lsl: Option<String>,
    /// Take markers over UDP.
    #[arg(long, value_name = "PORT", value_parser = listening, help = MARKERS_UDP_HELP)]
    pub markers_udp: Option<SocketAddr>,
    /// The same over TCP
    #[arg(long, value_name = "PORT", value_parser = listening)]
    pub markers_tcp: Option<SocketAddr>,
}

impl Default for ExchangeArgs {
    fn default() -> Self {
        Self {
            lsl_interface: Ipv4Addr::LOCALHOST,
            markers_lsl: None,
            markers_udp: None,
            markers_tcp: None,
        }
    }
}

/// The streams to serve over Lab Streaming Layer.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = LSL_HELP)]
pub struct LslArgs {
    /// The service, and how to use it.
    #[command(flatten, next_help_heading = "Cortex service")]
    pub service: ServiceArgs,
    /// LSL and markers of other programs.
    #[command(flatten, next_help_heading = "Other programs")]
    pub exchange: ExchangeArgs,
    /// How long to run, such as 10s, 2m, 500ms or 10 (seconds) [default: until Ctrl-C]
    #[arg(long, value_name = "TIME", value_parser = duration, allow_hyphen_values = true, help_heading = None)]
    pub duration: Option<Duration>,
    /// Print JSON, one object per line
    #[arg(long, help_heading = None)]
    pub json: bool,
    /// Configuration and log.
    #[command(flatten, next_help_heading = "Configuration and log")]
    pub common: CommonArgs,
}

/// The recording.
#[derive(Args, Clone, Debug)]
#[command(after_help = RECORD_HELP)]
pub struct RecordArgs {
    /// The service, and how to use it.
    #[command(flatten, next_help_heading = "Cortex service")]
    pub service: ServiceArgs,
    /// Formats, of csv,edf,bdf,jsonl; also repeated
    #[arg(
        long,
        value_name = "FORMAT,…",
        value_delimiter = ',',
        default_value = "csv",
        default_value_if("bids", ArgPredicate::IsPresent, "edf"),
        help_heading = None
    )]
    pub format: Vec<RecordingFormat>,
    /// Folder for the files; created if it does not exist
    #[arg(
        long,
        value_name = "DIR",
        default_value = ".",
        default_value_if("bids", ArgPredicate::IsPresent, "bids"),
        help_heading = None
    )]
    pub out: PathBuf,
    /// Keep the folder as a BIDS dataset; the label of the subject
    #[arg(long, value_name = "SUBJECT", conflicts_with = "subject", help_heading = None)]
    pub bids: Option<String>,
    /// Label of the session in the dataset
    #[arg(long, value_name = "LABEL", requires = "bids", help_heading = None)]
    pub bids_session: Option<String>,
    /// Task of the subject, for the dataset [default: the title]
    #[arg(long, value_name = "TEXT", requires = "bids", help_heading = None)]
    pub task: Option<String>,
    /// Mains frequency in Hz, for the dataset
    #[arg(
        long,
        value_name = "HZ",
        value_parser = mains,
        requires = "bids",
        help_heading = None
    )]
    pub mains: Option<u16>,
    /// How long to run, such as 10s, 2m, 8h or 10 (seconds) [default: until Ctrl-C]
    #[arg(long, value_name = "TIME", value_parser = duration, allow_hyphen_values = true, help_heading = None)]
    pub duration: Option<Duration>,
    /// Title of the recording
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true, help_heading = None)]
    pub title: String,
    /// Subject of the recording
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true, help_heading = None)]
    pub subject: String,
    /// How long a headset may be away for its files to be continued; after that, new ones follow
    #[arg(
        long,
        value_name = "TIME",
        value_parser = duration,
        allow_hyphen_values = true,
        default_value = "10m",
        help_heading = None
    )]
    pub resume_within: Duration,
    /// Print JSON, one object per line
    #[arg(long, help_heading = None)]
    pub json: bool,
    /// LSL and markers of other programs.
    #[command(flatten, next_help_heading = "Other programs")]
    pub exchange: ExchangeArgs,
    /// Configuration and log.
    #[command(flatten, next_help_heading = "Configuration and log")]
    pub common: CommonArgs,
}

/// A form of samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// One JSON object per sample.
    #[default]
    Jsonl,
    /// A line of column names, then one line of values per sample.
    Csv,
}

/// The capture.
#[derive(Args, Clone, Debug)]
#[command(after_help = CAPTURE_HELP)]
pub struct CaptureArgs {
    /// New file, compressed if it ends with .zst
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The service, and how to use it.
    #[command(flatten, next_help_heading = "Cortex service")]
    pub service: ServiceArgs,
    /// How long to run, such as 10s, 2m, 500ms or 10 (seconds) [default: until Ctrl-C]
    #[arg(long, value_name = "TIME", value_parser = duration, allow_hyphen_values = true, help_heading = None)]
    pub duration: Option<Duration>,
    /// Print the outcome as JSON
    #[arg(long, help_heading = None)]
    pub json: bool,
    /// Configuration and log.
    #[command(flatten, next_help_heading = "Configuration and log")]
    pub common: CommonArgs,
}

/// The recording to report on, and the format.
#[derive(Args, Clone, Debug)]
#[command(after_help = REPORT_HELP)]
pub struct ReportArgs {
    /// Recording: CSV, EDF, BDF, XDF or a capture; - is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Write one page with pictures to a new file, instead of the text
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// The metrics and their address.
#[derive(Args, Clone, Debug)]
#[command(after_help = METRICS_HELP)]
pub struct MetricsArgs {
    /// The service, and how to use it.
    #[command(flatten, next_help_heading = "Cortex service")]
    pub service: ServiceArgs,
    /// Address to serve at; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = METRICS, value_parser = metrics_address, help_heading = None)]
    pub listen: SocketAddr,
    /// How long to run, such as 10s, 2m, 500ms or 10 (seconds) [default: until Ctrl-C]
    #[arg(long, value_name = "TIME", value_parser = duration, allow_hyphen_values = true, help_heading = None)]
    pub duration: Option<Duration>,
    /// Print the address as JSON
    #[arg(long, help_heading = None)]
    pub json: bool,
    /// Configuration and log.
    #[command(flatten, next_help_heading = "Configuration and log")]
    pub common: CommonArgs,
}

/// The broker, and the station.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = STATION_HELP)]
pub struct StationArgs {
    /// The service, and how to use it.
    #[command(flatten, next_help_heading = "Cortex service")]
    pub service: ServiceArgs,
    /// Broker to publish to, mqtts:// or, on this machine, mqtt:// [default: from the config file]
    #[arg(long, value_name = "URL", help_heading = None)]
    pub broker: Option<String>,
    /// Name of the station, unique on the broker [default: the computer's]
    #[arg(long, value_name = "STATION", help_heading = None)]
    pub name: Option<String>,
    /// Accept markers from a lab
    #[arg(long, help_heading = None)]
    pub accept_markers: bool,
    /// How long to run, such as 10s, 2m, 500ms or 10 (seconds) [default: until Ctrl-C]
    #[arg(long, value_name = "TIME", value_parser = duration, allow_hyphen_values = true, help_heading = None)]
    pub duration: Option<Duration>,
    /// Configuration and log.
    #[command(flatten, next_help_heading = "Configuration and log")]
    pub common: CommonArgs,
}

/// The broker, and the display.
#[derive(Args, Clone, Debug)]
#[command(after_help = LAB_HELP)]
pub struct LabArgs {
    /// Broker to read, mqtts:// or, on this machine, mqtt:// [default: from the config file]
    #[arg(long, value_name = "URL")]
    pub broker: Option<String>,
    /// The display.
    #[command(flatten, next_help_heading = "Display")]
    pub display: DisplayArgs,
}

/// The output of a list.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    /// The service.
    #[command(flatten, next_help_heading = "Cortex service")]
    pub connection: ConnectionArgs,
    /// Print JSON instead of a table
    #[arg(long, help_heading = None)]
    pub json: bool,
    /// Configuration and log.
    #[command(flatten, next_help_heading = "Configuration and log")]
    pub common: CommonArgs,
}

/// The display, for commands with a screen.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub struct DisplayArgs {
    /// Frames per second, 1 to 60 [default: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=60))]
    pub fps: Option<u16>,
    /// Maximum kilobytes per second to the terminal, for slow connections
    #[arg(long, value_name = "KB/s", value_parser = max_rate)]
    pub max_rate: Option<f64>,
    /// Draw without braille and box characters
    #[arg(long)]
    pub ascii: bool,
    /// Use the mouse: a click focuses and selects, the wheel scrolls; Shift selects text
    #[arg(long)]
    pub mouse: bool,
    /// Redraw each run of cells with its position and style, for terminals that garble the compact output
    #[arg(long, alias = "plain-output")]
    pub full_redraw: bool,
    /// Colour theme: auto, ansi, light, mono, high-contrast, hues-dark, hues-light, pastel, colour-blind, or
    /// one of your own; auto follows the terminal's background [default: auto]
    #[arg(long, value_name = "NAME")]
    pub theme: Option<String>,
    /// Configuration and log.
    #[command(flatten, next_help_heading = "Configuration and log")]
    pub common: CommonArgs,
}

/// Configuration and log, for everything that uses a Cortex service.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct CommonArgs {
    /// Config file to use instead of the default one
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Append the log to a file too
    #[arg(long, value_name = "FILE")]
    pub log_file: Option<PathBuf>,
    /// Log more; -vv also logs what this program does step by step
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// The default options for using a service.
impl From<&ConnectionArgs> for ServiceArgs {
    fn from(connection: &ConnectionArgs) -> Self {
        Self { connection: connection.clone(), ..Self::default() }
    }
}

impl DisplayArgs {
    /// The values given here, with the other's as fallback: each flag may stand before or after the
    /// subcommand.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            fps: self.fps.or(other.fps),
            max_rate: self.max_rate.or(other.max_rate),
            ascii: self.ascii || other.ascii,
            mouse: self.mouse || other.mouse,
            full_redraw: self.full_redraw || other.full_redraw,
            theme: self.theme.or(other.theme),
            common: self.common.or(other.common),
        }
    }
}

impl CommonArgs {
    fn or(self, other: Self) -> Self {
        Self {
            config: self.config.or(other.config),
            log_file: self.log_file.or(other.log_file),
            verbose: self.verbose.saturating_add(other.verbose),
        }
    }
}

/// The simulation of the demo.
#[derive(Args, Clone, Debug)]
#[command(after_help = DEMO_HELP)]
pub struct DemoArgs {
    /// Recording to play in a loop: a CSV, EDF, BDF or XDF file or a capture; - is standard input
    #[arg(long, value_name = "FILE")]
    pub replay: Option<PathBuf>,
    /// Headsets to simulate, 1 to 64
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub headsets: u8,
    /// Show a lab of N computers, 1 to 64, with a headset each (cortop lab); needs mosquitto
    #[arg(
        long,
        value_name = "N",
        conflicts_with_all = ["headsets", "replay", "ExchangeArgs"],
        value_parser = clap::value_parser!(u8).range(1..=64)
    )]
    pub lab: Option<u8>,
    /// Their model
    #[arg(long, default_value = "epocx", value_parser = model_parser())]
    pub model: Model,
    /// Seed of the signal: the same seed gives the same signal
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// The simulated licence.
    #[command(flatten)]
    pub licence: LicenceArgs,
    /// LSL and markers of other programs.
    #[command(flatten, next_help_heading = "Other programs")]
    pub exchange: ExchangeArgs,
    /// The display.
    #[command(flatten, next_help_heading = "Display")]
    pub display: DisplayArgs,
}

/// The capture to show, and the display.
#[derive(Args, Clone, Debug)]
#[command(after_help = OPEN_HELP)]
pub struct OpenArgs {
    /// Capture to show; compressed (zstd, gzip, bzip2) or not
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The display.
    #[command(flatten, next_help_heading = "Display")]
    pub display: DisplayArgs,
}

/// The simulated licence.
#[derive(Args, Clone, Debug)]
pub struct LicenceArgs {
    /// Scopes of the licence: eeg,pm, one of them, or none
    #[arg(long, value_name = "SCOPE,…", default_value = "eeg,pm", value_parser = scopes)]
    pub scopes: Scopes,
    /// Activations left on this computer; authorize with debit moves more here from the licence
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub activations: u32,
}

/// The proxy's clients and service.
#[derive(Args, Clone, Debug)]
#[command(after_help = PROXY_HELP)]
pub struct ProxyArgs {
    /// Port of this machine to listen on; 0 takes a free one
    #[arg(long, value_name = "PORT")]
    pub listen: u16,
    /// Address of the Cortex service, ws:// or wss://
    #[arg(long, value_name = "URL", default_value = "wss://localhost:6868")]
    pub to: String,
    /// Root certificate of the service to trust in addition to the system's
    #[arg(long, value_name = "PEM")]
    pub ca_file: Option<PathBuf>,
    /// Skip checks of the service's certificate; only for a service on this machine
    #[arg(long)]
    pub insecure: bool,
    /// The socket for clients.
    #[command(flatten)]
    pub socket: SocketArgs,
    /// Write the messages to a new file as JSON lines, without credentials and licences
    #[arg(long, value_name = "FILE")]
    pub capture: Option<PathBuf>,
    /// The log of clients.
    #[command(flatten)]
    pub requests: RequestLogArgs,
    /// The display.
    #[command(flatten, next_help_heading = "Display")]
    pub display: DisplayArgs,
}

/// The socket of a simulator or a proxy.
#[derive(Args, Clone, Debug)]
pub struct SocketArgs {
    /// Serve plain WebSocket instead of TLS
    #[arg(long)]
    pub ws: bool,
    /// Write the root certificate to DIR/root.pem, for a client's ca_certs
    #[arg(long, value_name = "DIR", conflicts_with = "ws")]
    pub ca_out: Option<PathBuf>,
}

/// The log of a simulator's or a proxy's clients.
#[derive(Args, Clone, Debug)]
pub struct RequestLogArgs {
    /// Form of the log on standard error; json has a line per event and advice [default:
    /// text]
    #[arg(long, value_enum, value_name = "FORM", hide_possible_values = false)]
    pub log: Option<LogForm>,
    /// Log neither requests nor advice
    #[arg(short, long, conflicts_with = "log")]
    pub quiet: bool,
}

/// The log of the simulator, which can run a command beside it.
const SIM_LOG_HELP: &str = "Form of the log on standard error; json has a line for each event and \
    each advice [default: text, with --exec of advice only]";

/// A form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogForm {
    /// Lines for people to read.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// The simulation, and how it is served.
#[derive(Args, Clone, Debug)]
#[command(after_help = SIM_HELP, mut_arg("log", |log| log.help(SIM_LOG_HELP)))]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct SimArgs {
    /// Port to listen on; 0 takes a free one [default: 6868, with --exec a free one]
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// The socket for clients.
    #[command(flatten)]
    pub socket: SocketArgs,
    /// A headset, up to 64 times.
    #[arg(long, value_name = "SPEC", help = SPEC_HELP)]
    pub headset: Vec<HeadsetConfig>,
    /// Recording to play in a loop instead of the synthetic signal; - is standard input
    #[arg(long, value_name = "FILE")]
    pub replay: Option<PathBuf>,
    /// Faults and their times (TOML)
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// Seed of the signal and of all ids: the same seed gives the same ones again [default: 1, with
    /// new ids of sessions and records each time]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Approve every application from the start, not 3 s after requestAccess
    #[arg(long)]
    pub approved: bool,
    /// The simulated licence.
    #[command(flatten)]
    pub licence: LicenceArgs,
    /// Speed of the service's clocks, rates and delays, 0.01 to 1000 times real time
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,
    /// Show clients, requests and advice on a screen, and inject faults by keys
    #[arg(long, conflicts_with_all = ["exec", "log", "quiet"])]
    pub watch: bool,
    /// Run a command through the shell once everything is ready, with EMOTIV_CORTEX_URL, EMOTIV_CLIENT_ID,
    /// EMOTIV_CLIENT_SECRET and CORTOP_CA_FILE in its environment, and end with its exit status
    #[arg(long, value_name = "COMMAND")]
    pub exec: Option<String>,
    /// What clients are expected to do (TOML); if they did not, print a list and exit with status 1
    #[arg(long, value_name = "FILE")]
    pub expect: Option<PathBuf>,
    /// The log of clients.
    #[command(flatten)]
    pub requests: RequestLogArgs,
    /// Address to listen on instead of 127.0.0.1 and ::1
    #[arg(long, value_name = "ADDR")]
    pub bind: Option<IpAddr>,
    /// Let clients inject faults with sim.fault
    #[arg(long)]
    pub allow_control: bool,
    /// List the faults, and exit
    #[arg(long)]
    pub list_faults: bool,
    /// List what the simulator assumes where the protocol is uncertain, and exit
    #[arg(long, alias = "unsure")]
    pub assumptions: bool,
    /// The display.
    #[command(flatten, next_help_heading = "Display")]
    pub display: DisplayArgs,
}
